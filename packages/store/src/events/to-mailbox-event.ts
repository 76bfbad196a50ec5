import type { MailboxEvent } from '@warmhook/schema/mailbox-event'

/** The column `events.event` is written by `recordBatch` alone, from a parsed `MailboxEvent`. */
export function toMailboxEvent(column: object): MailboxEvent {
  return column as MailboxEvent
}
