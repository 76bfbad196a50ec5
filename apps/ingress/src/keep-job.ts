import { setTimeout as delay } from 'node:timers/promises'
import type { BatchJob } from '@warmhook/queue/batch-producer'
import type { EnvelopeBatch } from '@warmhook/schema/batch'
import type { Spool } from './spool/open-spool.ts'
import type { RedisGate } from './redis-gate.ts'

export type IntakeJob = BatchJob<EnvelopeBatch>

export interface KeepDeps {
  readonly gate: RedisGate
  /** Resolves once Redis has the job; rejects if that is not confirmed. */
  readonly add: (job: IntakeJob) => Promise<void>
  /** Undefined: there is no spool, and jobs that Redis does not accept are rejected. */
  readonly spool: Spool | undefined
  /** False if the next batch is already full, so waiting has no benefit. */
  readonly mayGather: boolean
  readonly onSpooled: (job: IntakeJob) => void
}

/** Redis cannot accept a job, and there is no spool. */
class RedisUnavailableError extends Error {
  override readonly name = 'RedisUnavailableError'
}

/**
 * Pause during which the next events are batched into one job. Disk writes block the process, and jobs are drained to
 * Redis one by one: without this pause, half a minute of events became so many small jobs that draining took a minute.
 */
const gatherMs = 20

/**
 * Persists a job in Redis, or otherwise in the spool. Redis may have stored a job that it did not confirm; the job is
 * spooled under the same id, so that adding it again has no effect.
 *
 * @throws RedisUnavailableError | EnqueueError | SpoolFullError | SpoolError if the job may not be persisted
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
