import { EnvelopeBatch, EventBatch } from '@warmhook/schema/batch'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { redactEmail } from '@warmhook/telemetry/redact-email'

/** A job's payload as a list of jobs may show it: what it is about, not whom. */
export function redactJobData(data: unknown): unknown {
  const events = EventBatch.safeParse(data)
  if (events.success) {
    const { events: todo, dead, replayId } = events.data
    return { events: todo.map(redactEvent), dead: dead.map(redactEvent), replayId }
  }
  const envelopes = EnvelopeBatch.safeParse(data)
  if (!envelopes.success) return { unreadable: true }
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

function redactEvent({ id, owner, type, campaignId, receivedAt, profile }: MailboxEvent) {
  const email = profile.email === undefined ? undefined : redactEmail(profile.email)
  return { id, owner, type, campaignId, receivedAt: new Date(receivedAt).toISOString(), email }
}
