import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { CompiledQuery, type DatabaseConnection, type Driver } from 'kysely'
import { describe, expect, it } from 'vitest'
import { createThreadDriver } from './thread-driver.ts'

interface Opened {
  readonly driver: Driver
  readonly connection: DatabaseConnection
  readonly thread: Worker
  readonly lost: readonly Error[]
}

/** Starts a thread that runs the code `what` for each request. */
async function open(what: string, closeMs = 60_000): Promise<Opened> {
  const code = `const { parentPort } = require('node:worker_threads'); parentPort.on('message', (request) => { ${what} })`
  const thread = new Worker(code, { eval: true })
  const lost: Error[] = []
  const driver = createThreadDriver(thread, { closeMs, onLost: (error) => lost.push(error) })
  return { driver, connection: await driver.acquireConnection(), thread, lost }
}

const query = CompiledQuery.raw('SELECT 1')

describe('createThreadDriver', () => {
  it('fails every query after its thread has ended, and reports it once', async () => {
    const { driver, connection, lost } = await open('process.exit()')
    const both = [connection.executeQuery(query), connection.executeQuery(query)]
    for (const failed of await Promise.allSettled(both))
      expect(failed).toMatchObject({
        status: 'rejected',
        reason: { message: 'PGlite is closed: its thread has ended' },
      })
    await expect(connection.executeQuery(query)).rejects.toThrow(/PGlite is closed/)
    expect(lost.map(({ message }) => message)).toEqual(['PGlite is closed: its thread has ended'])
    await driver.destroy()
  })

  it('reports why its thread has ended', async () => {
    const { connection, lost } = await open("throw new Error('out of memory')")
    await expect(connection.executeQuery(query)).rejects.toThrow('PGlite is closed: out of memory')
    expect(lost).toHaveLength(1)
  })

  it('terminates a thread that is still busy after the close timeout', async () => {
    const { driver, connection, thread, lost } = await open('parentPort.postMessage({ id: 0 }); for (;;);', 10)
    const endless = connection.executeQuery(query)
    await once(thread, 'message')
    const [failed] = await Promise.allSettled([endless, driver.destroy()])
    expect(failed).toMatchObject({ status: 'rejected', reason: { message: 'PGlite is closed: its thread has ended' } })
    expect(lost).toEqual([])
  })

  it('passes each answer to its caller, in whatever order they arrive', async () => {
    const { driver, connection } = await open(
      `if (request.id !== 1) parentPort.postMessage({ id: request.id, result: { rows: [request.id] } });
       if (request.id === 3) parentPort.postMessage({ id: 1, error: { name: 'error', message: 'no', code: '22012', severity: 'ERROR' } })`,
    )
    const [first, ...others] = await Promise.allSettled([1, 2, 3].map(() => connection.executeQuery(query)))
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'no', code: '22012' } })
    expect(others).toMatchObject([{ value: { rows: [2] } }, { value: { rows: [3] } }])
    await driver.destroy()
  })
})
