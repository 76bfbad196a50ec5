import { RetryAtError, type BatchContext } from '@warmhook/queue/start-batch-worker'
import { readEventJob, type EventJob } from '@warmhook/schema/event-job'
import { UnrecoverableError } from 'bullmq'

/** A later version's workers get time to take its jobs. */
const newerPauseMs = 10_000
/** After so many tries there are none: the version was rolled back. */
const maxNewerTries = 60

/**
 * What a handler's job is about.
 *
 * @throws RetryAtError when a later version wrote it; UnrecoverableError when nobody can read it. The job ends visibly
 *   then, and the sweeper recreates it from the outbox
 */
export function readJob({ payload, attempt }: BatchContext<unknown>, now: number): EventJob {
  const reading = readEventJob(payload)
  switch (reading.status) {
    case 'read':
      return reading.job
    case 'newer': {
      const what = `the job has the format ${reading.version} of a later version`
      if (attempt <= maxNewerTries) throw new RetryAtError(what, now + newerPauseMs)
      throw new UnrecoverableError(`${what}, which no worker takes`)
    }
    case 'unreadable':
      throw new UnrecoverableError(`the job can't be read: ${reading.issue}`)
  }
}
