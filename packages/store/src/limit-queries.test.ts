import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { eventually } from '@warmhook/testing/eventually'
import { startTcpProxy, type Direction, type TcpProxy } from '@warmhook/testing/start-tcp-proxy'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { Database } from './database.ts'
import { lockMailboxes } from './lock-mailboxes.ts'
import { openPostgres } from './open-database.ts'

const silences: readonly (readonly [string, readonly Direction[]])[] = [
  ['both directions fall silent', ['command', 'answer']],
  ['statements are lost', ['command']],
  ['answers are lost', ['answer']],
]
const mailboxes = [{ owner: 'default', campaignId: 1 }]

interface Line extends AsyncDisposable {
  readonly db: Database
  readonly proxy: TcpProxy
  /** Names of the reported errors. */
  readonly errors: readonly string[]
}

async function openLine(use: 'lookups' | 'reports', poolSize: number): Promise<Line> {
  const cleanup = new AsyncDisposableStack()
  const database = cleanup.use(await createTestDatabase())
  const url = new URL(database.url)
  const proxy = cleanup.use(await startTcpProxy({ host: url.hostname, port: Number(url.port) }))
  url.host = `127.0.0.1:${proxy.port}`
  const errors: string[] = []
  const db = openPostgres({ use, url: url.href, poolSize, onError: (error) => void errors.push(error.name) })
  cleanup.defer(() => db.destroy())
  return { db, proxy, errors, [Symbol.asyncDispose]: () => cleanup.disposeAsync() }
}

/** Runs this many statements at once, so that the pool opens as many connections. */
async function occupy(db: Database, connections: number): Promise<void> {
  await Promise.all(Array.from({ length: connections }, () => sql`SELECT pg_sleep(0.2)`.execute(db)))
}

describe.concurrent.each(['lookups', 'reports'] as const)('a connection for %s', (purpose) => {
  it.each(silences)(
    'is replaced when %s in a transaction, and its locks are released',
    { timeout: 40_000 },
    async (_name, directions) => {
      await using line = await openLine(purpose, 4)
      const { db, proxy } = line
      const cut = db.transaction().execute(async (tx) => {
        await lockMailboxes(tx, 'routing', mailboxes)
        proxy.silence(...directions)
        await sql`SELECT 1`.execute(tx)
      })
      // The server ends sessions that are idle in a transaction; the client learns of it if the connection still works.
      await expect(cut).rejects.toThrow(/connection|did not answer|ECONNRESET/)
      // If necessary, another attempt waits until the server has noticed the lost client.
      await eventually(() => db.transaction().execute((tx) => lockMailboxes(tx, 'routing', mailboxes)))
    },
  )

  it('also closes idle connections that stopped answering', { timeout: 40_000 }, async () => {
    await using line = await openLine(purpose, 4)
    const { db, proxy, errors } = line
    await occupy(db, 4)
    proxy.silence('command', 'answer')
    await expect(sql`SELECT 1`.execute(db)).rejects.toThrow('did not answer')
    const { rows } = await sql`SELECT 1`.execute(db)
    expect(rows).toHaveLength(1)
    expect(errors.every((name) => name === 'DatabaseTimeoutError')).toBe(true)
  })

  it('keeps a connection that answers just within the limit', { timeout: 40_000 }, async () => {
    await using line = await openLine(purpose, 1)
    const { db, errors } = line
    const pid = sql<{ pid: number }>`SELECT pg_backend_pid() AS pid, pg_sleep(${9})`
    const first = await pid.execute(db)
    const again = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db)
    expect(again.rows[0]?.pid).toBe(first.rows[0]?.pid)
    expect(errors).toEqual([])
  })

  it.each(silences)('does not keep the process alive when %s', { timeout: 40_000 }, async (_name, directions) => {
    await using line = await openLine(purpose, 2)
    const { db, proxy } = line
    await occupy(db, 2)
    proxy.silence(...directions)
    await db.destroy()
    await eventually(() => expect(proxy.openClients).toBe(0))
  })
})
