import { EnvelopeBatch } from '@warmhook/schema/batch'
import { readEventJob } from '@warmhook/schema/event-job'

/** A job's payload as a list of jobs may show it: what it is about, not whom. */
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

/** References are compact: written out, an operator can look the events up. */
function describeEventJob(data: unknown): unknown {
  const reading = readEventJob(data)
  if (reading.status !== 'read') return { unreadable: true }
  const { events, dead, progress, replayId } = reading.job
  return { events: events.map((event) => ({ ...event, ...progress.get(event.id) })), dead, replayId }
}
