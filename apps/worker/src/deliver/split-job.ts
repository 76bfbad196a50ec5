import { hash } from 'node:crypto'
import type { BatchJob } from '@warmhook/queue/batch-producer'
import type { EventJob } from '@warmhook/schema/event-job'
import type { Database } from '@warmhook/store/database'
import { readOutboxJobs } from '@warmhook/store/outbox/read-outbox-jobs'
import { splitOutboxJob } from '@warmhook/store/outbox/split-outbox-job'
import { toHandlerJob } from './handler-job.ts'

export interface SplitDeps {
  readonly db: Database
  readonly handler: { readonly name: string }
  readonly add: (job: BatchJob<unknown>) => Promise<void>
}

/** Replaces a suspect job with one job per event. Idempotent, even after a crash at any point. */
export async function splitJob(jobId: string, job: EventJob, { db, handler, add }: SplitDeps): Promise<void> {
  const parts = job.events.map(({ id: eventId }) => ({ id: toPartId(jobId, eventId), eventId }))
  await splitOutboxJob(db, { id: jobId, handler: handler.name, replayId: job.replayId, parts })
  const jobs = await readOutboxJobs(
    db,
    parts.map(({ id }) => id),
  )
  for (const part of jobs) await add(toHandlerJob(part))
}

/** A UUID of version 8 (custom, RFC 9562 section 5.8). */
function toPartId(jobId: string, eventId: string): string {
  const hex = hash('sha256', `${jobId} ${eventId}`)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
