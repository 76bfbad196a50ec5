import { foldTimeline, refoldTimeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxKey } from '@warmhook/schema/mailbox-event'
import type { Database, Queryable } from '../database.ts'
import { lockMailboxes } from '../lock-mailboxes.ts'
import { findNews, findUnfolded, readHistories, readWholeHistory, type History, type News } from './find-news.ts'
import { readMailboxes, unknownMailbox } from './read-mailboxes.ts'
import { saveMailboxes, type FoldedMailbox } from './save-mailboxes.ts'

/**
 * Brings the stored mailboxes and pauses of these events up to everything that is recorded of them. A mailbox's state
 * depends on its recorded events alone: one that comes again changes nothing, and one that comes late has its mailbox
 * folded again from where it can have changed something. What others have folded meanwhile costs one query.
 */
export async function foldEvents(db: Database, events: readonly { readonly id: string }[]): Promise<void> {
  const ids = new Set(events.map((event) => event.id))
  const mailboxes = await findUnfolded(db, [...ids])
  if (mailboxes.length > 0) await foldMailboxes(db, mailboxes)
}

async function foldMailboxes(db: Database, keys: readonly MailboxKey[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lockMailboxes(tx, 'folding', keys)
    const stored = await readMailboxes(tx, keys)
    const mailboxes = keys.map((key) => stored.get(mailboxKeyOf(key)) ?? unknownMailbox(key))
    const news = await findNews(tx, mailboxes)
    // Those that had the lock before have left nothing to do.
    if (news.length === 0) return
    const late = news.filter(({ isLate }) => isLate)
    const histories = late.length === 0 ? noHistories : await readHistories(tx, late)
    const folded: FoldedMailbox[] = []
    for (const item of news) {
      const history = histories.get(mailboxKeyOf(item.mailbox.key))
      folded.push(history === undefined ? fold(item) : await refold(tx, item, history))
    }
    await saveMailboxes(tx, folded)
  })
}

const noHistories: ReadonlyMap<string, History> = new Map()

function fold({ mailbox: { key, timeline }, events, seq }: News): FoldedMailbox {
  return { key, foldedSeq: seq, timeline: foldTimeline(timeline, events), refoldedSince: undefined }
}

async function refold(tx: Queryable, news: News, { events, isWhole }: History): Promise<FoldedMailbox> {
  const { key, timeline } = news.mailbox
  const refolded = refoldTimeline(timeline, events, isWhole)
  if (refolded === undefined) return refold(tx, news, { events: await readWholeHistory(tx, news), isWhole: true })
  return { key, foldedSeq: news.seq, timeline: refolded, refoldedSince: events[0]?.id }
}
