import { foldTimeline, refoldTimeline, type Timeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxEvent, type MailboxKey } from '@warmhook/schema/mailbox-event'
import type { Database } from '../database.ts'
import { lockMailboxes } from '../lock-mailboxes.ts'
import { findNews, findUnfolded, readHistories, type News } from './find-news.ts'
import { readMailboxes, unknownMailbox } from './read-mailboxes.ts'
import { saveMailboxes, type FoldedMailbox } from './save-mailboxes.ts'

/** The states of the events' mailboxes, by `mailboxKeyOf`. */
export type MailboxTimelines = ReadonlyMap<string, Timeline>

/**
 * Brings the stored mailboxes and pauses of these events up to everything that is recorded of them. A mailbox's state
 * depends on its recorded events alone: one that comes again changes nothing, and one that comes late has its mailbox
 * folded again from where it can have changed something. What others have folded meanwhile costs one query.
 */
export async function foldEvents(db: Database, events: readonly MailboxEvent[]): Promise<void> {
  const mailboxes = await findUnfolded(
    db,
    events.map((event) => event.id),
  )
  if (mailboxes.length > 0) await foldMailboxes(db, mailboxes)
}

/** Folds, and returns the states. */
export async function readFolded(db: Database, events: readonly MailboxEvent[]): Promise<MailboxTimelines> {
  await foldEvents(db, events)
  const mailboxes = new Map(events.map((event) => [mailboxKeyOf(event), event]))
  const stored = await readMailboxes(db, [...mailboxes.values()])
  return new Map([...stored].map(([key, { timeline }]) => [key, timeline]))
}

async function foldMailboxes(db: Database, keys: readonly MailboxKey[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lockMailboxes(tx, 'folding', keys)
    const stored = await readMailboxes(tx, keys)
    const mailboxes = keys.map((key) => stored.get(mailboxKeyOf(key)) ?? unknownMailbox(key))
    const news = await findNews(tx, mailboxes)
    // Those that had the lock before have left nothing to do.
    if (news.length === 0) return
    const histories = await readHistories(tx, news)
    await saveMailboxes(
      tx,
      news.map((item) => fold(item, histories.get(mailboxKeyOf(item.mailbox.key)))),
    )
  })
}

function fold({ mailbox, isLate, seq }: News, history: readonly MailboxEvent[] | undefined): FoldedMailbox {
  const folded = { key: mailbox.key, foldedSeq: seq }
  // Duplicates alone.
  if (history === undefined) return { ...folded, timeline: mailbox.timeline, refoldedSince: undefined }
  return isLate
    ? { ...folded, timeline: refoldTimeline(mailbox.timeline, history), refoldedSince: history[0]?.id }
    : { ...folded, timeline: foldTimeline(mailbox.timeline, history), refoldedSince: undefined }
}
