import type { MailboxStatus } from '@warmhook/schema/mailbox-event'

/** The status of a mailbox that Mailivery's `status_code` stands for; undefined for any other code. */
export function toMailboxStatus(statusCode: string | null): Exclude<MailboxStatus, 'deleted'> | undefined {
  const code = statusCode?.trim().toLowerCase()
  return code === 'active' || code === 'paused' || code === 'pending' ? code : undefined
}
