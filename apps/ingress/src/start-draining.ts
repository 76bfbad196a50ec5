import { setTimeout as delay } from 'node:timers/promises'
import type { EnvelopeBatch } from '@warmhook/schema/batch'
import type { Spool } from '@warmhook/spool/open-spool'
import type { KeepDeps } from './keep-job.ts'

export interface DrainDeps extends Pick<KeepDeps, 'gate' | 'add'> {
  readonly spool: Spool
  readonly onDrained: (jobs: number) => void
  readonly onError: (error: unknown) => void
}

/** Removed from the disk together; each may have 256 KiB. */
const jobsPerStep = 8
const idleMs = 200

/**
 * Brings what is in the spool to Redis, oldest first, whenever Redis takes it. One job at a time, so that live traffic
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
    if (deps.spool.size > 0 && deps.gate.isOpen()) await drainStep(deps)
    else await delay(idleMs, undefined, { signal: stop, ref: false }).catch(() => undefined)
  }
}

async function drainStep({ spool, gate, add, onDrained, onError }: DrainDeps): Promise<void> {
  const added: string[] = []
  try {
    for (const { id, name, payload } of spool.oldest(jobsPerStep)) {
      await add({ id, name, payload: toBatch(payload) })
      added.push(id)
    }
  } catch (error) {
    gate.reportFailure()
    onError(error)
  }
  if (added.length === 0) return
  spool.remove(added)
  onDrained(added.length)
}

/** The spool holds only what `keepJob` has written; the router checks it as it checks every job. */
function toBatch(payload: string): EnvelopeBatch {
  return JSON.parse(payload) as EnvelopeBatch
}
