import { setTimeout as delay } from 'node:timers/promises'
import type { EnvelopeBatch } from '@warmhook/schema/batch'
import type { Spool } from './open-spool.ts'
import type { KeepDeps } from '../keep-job.ts'

export interface DrainDeps extends Pick<KeepDeps, 'gate' | 'add'> {
  /** Undefined while this process has no spool. */
  readonly spool: () => Spool | undefined
  readonly onDrained: (jobs: number) => void
  readonly onError: (error: unknown) => void
}

/** Sent concurrently; a job can be up to 256 KiB. */
const jobsPerStep = 8
const idleMs = 200

/**
 * Moves jobs from the spool to Redis, oldest first, while Redis accepts them. It sends a few jobs at a time, to leave
 * capacity on the connection for live traffic. Disposal waits for the step in progress.
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

/** Returns false if the next step should be delayed. */
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
    // Removal also fails on a full disk. The jobs are then added again under the same ids until removal succeeds.
    if (added.length > 0) spool.remove(added)
    onDrained(added.length)
    return added.length === jobs.length
  } catch (error) {
    onError(error)
    return false
  }
}

/** The spool only contains jobs written by `keepJob`; the router validates them like any other job. */
function toBatch(payload: string): EnvelopeBatch {
  return JSON.parse(payload) as EnvelopeBatch
}
