import type { Worker } from 'node:worker_threads'
import type { CompiledQuery, Driver, QueryResult } from 'kysely'
import { fromErrorFields, type ThreadAnswer, type ThreadCommand, type ThreadRequest } from './thread-messages.ts'

interface ThreadDriverOptions {
  /** How long `destroy` waits for a running statement before it terminates the thread. */
  readonly closeMs: number
  /** Called when the thread ends unexpectedly. All queries fail from then on. */
  readonly onLost: (error: Error) => void
}

type Result = QueryResult<unknown> | undefined

/** A Kysely driver with one connection, which lives in another thread that runs `pglite-thread.ts`. */
export function createThreadDriver(thread: Worker, { closeMs, onLost }: ThreadDriverOptions): Driver {
  const callers = new Map<number, PromiseWithResolvers<Result>>()
  let requests = 0
  let lost: Error | undefined
  let isClosing = false

  function lose(why: string, cause?: unknown): void {
    if (lost !== undefined) return
    lost = new Error(`PGlite is closed: ${why}`, { cause })
    for (const { reject } of callers.values()) reject(lost)
    callers.clear()
    if (!isClosing) onLost(lost)
  }

  thread.on('message', (answer: ThreadAnswer) => {
    const caller = callers.get(answer.id)
    callers.delete(answer.id)
    if ('error' in answer) caller?.reject(fromErrorFields(answer.error))
    else caller?.resolve(answer.result)
  })
  thread.on('error', (error) => lose(error instanceof Error ? error.message : String(error), error))
  thread.on('exit', () => lose('its thread has ended'))

  function ask(command: ThreadCommand): Promise<Result> {
    if (lost !== undefined) return Promise.reject(lost)
    const caller = Promise.withResolvers<Result>()
    const request: ThreadRequest = { id: (requests += 1), command }
    callers.set(request.id, caller)
    thread.postMessage(request)
    return caller.promise
  }

  const connection = {
    /** The caller asserts the row type, as with every driver. */
    executeQuery: async <R>({ sql, parameters }: CompiledQuery) =>
      (await ask({ kind: 'query', sql, parameters })) as QueryResult<R>,
    streamQuery() {
      throw new TypeError('streaming queries are not supported')
    },
  }
  return {
    init: () => Promise.resolve(),
    acquireConnection: () => Promise.resolve(connection),
    releaseConnection: () => Promise.resolve(),
    beginTransaction: async () => void (await ask({ kind: 'begin' })),
    commitTransaction: async () => void (await ask({ kind: 'commit' })),
    rollbackTransaction: async () => void (await ask({ kind: 'rollback' })),
    async destroy() {
      isClosing = true
      const timer = setTimeout(() => void thread.terminate(), closeMs)
      try {
        await ask({ kind: 'close' })
      } catch (error) {
        // If the thread is gone, there is nothing left to close.
        if (error !== lost) throw error
      } finally {
        clearTimeout(timer)
        await thread.terminate()
      }
    },
  }
}
