import type { StoredMailbox } from '@warmhook/store/mailboxes/read-mailboxes'

/** Whether only an update suggests that the mailbox works again. */
export function isPresumed({ timeline }: StoredMailbox): boolean {
  return timeline.mailbox?.status === 'active' && timeline.pauses.at(-1)?.closed?.proof === 'presumed'
}
