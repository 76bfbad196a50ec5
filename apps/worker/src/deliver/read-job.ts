import { RetryAtError, type BatchContext } from '@warmhook/queue/start-batch-worker'
import { readEventJob, type EventJob } from '@warmhook/schema/event-job'
import { UnrecoverableError } from 'bullmq'

/** Gives workers of a later version time to take its jobs. */
const newerPauseMs = 10_000
/** After this many attempts, the later version is assumed to have been rolled back. */
const maxNewerTries = 60

/**
 * Parses a handler's job.
 *
 * @throws RetryAtError if a later version wrote it; UnrecoverableError if it cannot be read. The job then fails
 *   visibly, and the sweeper recreates it from the outbox
 */
export function readJob({ payload, attempt }: BatchContext<unknown>, now: number): EventJob {
  const reading = readEventJob(payload)
  switch (reading.status) {
    case 'read':
      return reading.job
    case 'newer': {
      const what = `the job has format ${reading.version}, which requires a later version`
      if (attempt <= maxNewerTries) throw new RetryAtError(what, now + newerPauseMs)
      throw new UnrecoverableError(`${what}; no such worker has taken it`)
    }
    case 'unreadable':
      throw new UnrecoverableError(`the job can't be read: ${reading.issue}`)
  }
}
