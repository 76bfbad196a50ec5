import { setTimeout as delay } from 'node:timers/promises'
import type { BatchJob } from '@warmhook/queue/batch-producer'
import type { EnvelopeBatch } from '@warmhook/schema/batch'
import type { Spool } from './spool/open-spool.ts'
import type { RedisGate } from './redis-gate.ts'

export type IntakeJob = BatchJob<EnvelopeBatch>

export interface KeepDeps {
  readonly gate: RedisGate
  /** Resolves once Redis has the job; rejects when that is not known. */
  readonly add: (job: IntakeJob) => Promise<void>
  /** Undefined: without a spool, what Redis can't take is refused. */
  readonly spool: Spool | undefined
  /** False where the next batch is full already: then there is nothing to wait for. */
  readonly mayGather: boolean
  readonly onSpooled: (job: IntakeJob) => void
}

/** Redis cannot take a job, and there is no spool. */
class RedisUnavailableError extends Error {
  override readonly name = 'RedisUnavailableError'
}

/**
 * Meanwhile the next events gather into one job. A write to the disk blocks the process, and Redis takes jobs back one by one:
 * without this pause, half a minute of events made so many small jobs that Redis had them all only a minute later.
 */
const gatherMs = 20

/**
 * Makes a job safe: in Redis, or else in the spool. One that Redis did not confirm may be there all the same, and goes
 * into the spool under the same id: to add it again later changes nothing.
 *
 * @throws RedisUnavailableError | EnqueueError | SpoolFullError | SpoolError when the job is not known to be safe
 */
export async function keepJob(job: IntakeJob, { gate, add, spool, mayGather, onSpooled }: KeepDeps): Promise<void> {
  if (gate.isOpen()) {
    try {
      await add(job)
      return
    } catch (error) {
      gate.reportFailure()
      if (spool === undefined) throw error
    }
  }
  if (spool === undefined)
    throw new RedisUnavailableError('Redis is unreachable or nearly full, and no SPOOL_DIR is set')
  if (mayGather) await delay(gatherMs)
  spool.write({ id: job.id, name: job.name, payload: JSON.stringify(job.payload) })
  onSpooled(job)
}
