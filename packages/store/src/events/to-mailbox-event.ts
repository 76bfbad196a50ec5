import type { MailboxEvent } from '@warmhook/schema/mailbox-event'

/** The column `events.event` is only written by `insertEvents`, from a parsed `MailboxEvent`. */
export function toMailboxEvent(column: object): MailboxEvent {
  return column as MailboxEvent
}
