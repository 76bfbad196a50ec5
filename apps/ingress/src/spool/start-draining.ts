import { setTimeout as delay } from 'node:timers/promises'
import type { EnvelopeBatch } from '@warmhook/schema/batch'
import type { Spool } from './open-spool.ts'
import type { KeepDeps } from '../keep-job.ts'

export interface DrainDeps extends Pick<KeepDeps, 'gate' | 'add'> {
  /** Undefined while this process has none. */
  readonly spool: () => Spool | undefined
  readonly onDrained: (jobs: number) => void
  readonly onError: (error: unknown) => void
}

/** On their way together; each may have 256 KiB. */
const jobsPerStep = 8
const idleMs = 200

/**
 * Brings what is in the spool to Redis, oldest first, whenever Redis takes it. A few jobs at a time, so that live traffic
 * has the rest of the connection. Disposal waits for the step under way.
 */
export function startDraining(deps: DrainDeps): AsyncDisposable {
  const stop = new AbortController()
  const run = drainUntil(stop.signal, deps)
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await run
    },
  }
}

async function drainUntil(stop: AbortSignal, deps: DrainDeps): Promise<void> {
  while (!stop.aborted) {
    const spool = deps.spool()
    const isDone = spool !== undefined && spool.size > 0 && deps.gate.isOpen() && (await drainStep(spool, deps))
    if (!isDone) await delay(idleMs, undefined, { signal: stop, ref: false }).catch(() => undefined)
  }
}

/** Returns false when it is better to wait before the next step. */
async function drainStep(spool: Spool, { gate, add, onDrained, onError }: DrainDeps): Promise<boolean> {
  const jobs = spool.oldest(jobsPerStep)
  const results = await Promise.allSettled(
    jobs.map(async ({ id, name, payload }) => {
      await add({ id, name, payload: toBatch(payload) })
      return id
    }),
  )
  const added = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failure = results.find((result) => result.status === 'rejected')
  if (failure !== undefined) {
    gate.reportFailure()
    onError(failure.reason)
  }
  try {
    // A full disk takes no removal either. The jobs are added again then, under the same ids, until it does.
    if (added.length > 0) spool.remove(added)
    onDrained(added.length)
    return added.length === jobs.length
  } catch (error) {
    onError(error)
    return false
  }
}

/** The spool holds only what `keepJob` has written; the router checks it as it checks every job. */
function toBatch(payload: string): EnvelopeBatch {
  return JSON.parse(payload) as EnvelopeBatch
}
