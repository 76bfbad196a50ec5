import { EnvelopeBatch } from '@warmhook/schema/batch'
import { readEventJob } from '@warmhook/schema/event-job'

/** A job's payload without personal data, for job lists. */
export function redactJobData(data: unknown): unknown {
  const envelopes = EnvelopeBatch.safeParse(data)
  if (!envelopes.success) return describeEventJob(data)
  return {
    replay: envelopes.data.replay,
    envelopes: envelopes.data.envelopes.map(({ id, source, owner, receivedAt, body }) => ({
      id,
      source,
      owner,
      receivedAt: new Date(receivedAt).toISOString(),
      characters: body.length,
    })),
  }
}

/** References are compact; written out, they let an operator look up the events. */
function describeEventJob(data: unknown): unknown {
  const reading = readEventJob(data)
  if (reading.status !== 'read') return { unreadable: true }
  const { events, dead, progress, replayId } = reading.job
  return { events: events.map((event) => ({ ...event, ...progress.get(event.id) })), dead, replayId }
}
