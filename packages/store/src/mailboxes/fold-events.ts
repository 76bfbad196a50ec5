import { isDeepStrictEqual } from 'node:util'
import { foldTimeline, refoldTimeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxEvent, type MailboxKey } from '@warmhook/schema/mailbox-event'
import type { Database, Queryable } from '../database.ts'
import { lockMailboxes } from '../lock-mailboxes.ts'
import { findNews, findUnfolded, readHistories, readWholeHistory, type History, type News } from './find-news.ts'
import { readBases, type MailboxBase } from './mailbox-bases.ts'
import { readMailboxes, unknownMailbox, type StoredMailbox } from './read-mailboxes.ts'
import { saveMailboxes, type FoldedMailbox } from './save-mailboxes.ts'

/**
 * Brings the stored mailboxes and pauses of these events up to date with all recorded events. A mailbox's state depends
 * only on its recorded events: a repeated event changes nothing, and a late event causes a refold from the first point
 * that it can affect. An event older than those that retention has removed from its mailbox changes nothing. If other
 * workers have already folded the events, the call costs one query.
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
    const { news, late, histories } = await readNews(tx, mailboxes)
    // The previous lock holder has already folded everything.
    if (news.length === 0) return
    const lateKeys = late.map(({ mailbox }) => mailbox.key)
    const bases = late.length === 0 ? noBases : await readBases(tx, lateKeys)
    const folded: FoldedMailbox[] = []
    for (const item of news) {
      const key = mailboxKeyOf(item.mailbox.key)
      const history = histories.get(key)
      folded.push(history === undefined ? fold(item) : await refold(tx, item, history, bases.get(key)))
    }
    await saveMailboxes(tx, folded)
  })
}

/**
 * Reads what there is to fold, with the histories of late events. Routers record events meanwhile, and each statement sees
 * what was committed before it: a history with an event that is not among the news would be folded as if that event's
 * effects were stored. The reads are therefore repeated until nothing was recorded between them.
 *
 * @throws Error if events of these mailboxes are recorded faster than they can be read
 */
async function readNews(tx: Queryable, mailboxes: readonly StoredMailbox[]) {
  let news = await findNews(tx, mailboxes)
  for (let time = 0; time < maxReads; time += 1) {
    const late = news.filter(({ isLate }) => isLate)
    if (late.length === 0) return { news, late, histories: noHistories }
    const histories = await readHistories(tx, late)
    const after = await findNews(tx, mailboxes)
    if (isDeepStrictEqual(seqsOf(after), seqsOf(news))) return { news, late, histories }
    news = after
  }
  throw new Error(`events of ${mailboxes.length} mailboxes were recorded between ${maxReads} reads`)
}

/** Each read takes some ms, in which a router would have to record another event of the same mailboxes. */
const maxReads = 20

function seqsOf(news: readonly News[]): ReadonlyMap<string, number> {
  return new Map(news.map(({ mailbox, seq }) => [mailboxKeyOf(mailbox.key), seq]))
}

const noHistories: ReadonlyMap<string, History> = new Map()
const noBases: ReadonlyMap<string, MailboxBase> = new Map()

function fold({ mailbox: { key, timeline }, events, seq }: News): FoldedMailbox {
  const { mailbox, pauses } = foldTimeline(timeline, events)
  const changed = pauses.filter((pause) => !timeline.pauses.includes(pause))
  return { key, foldedSeq: seq, timeline: { mailbox, pauses: changed }, refoldedSince: undefined }
}

/** Refolds a mailbox from the first point that late news can affect, at worst from the beginning of its history. */
async function refold(
  tx: Queryable,
  news: News,
  { events, isWhole, mayFollowDeletion }: History,
  base: MailboxBase | undefined,
): Promise<FoldedMailbox> {
  const { mailbox, firstId, seq } = news
  const { key, timeline } = mailbox
  const [first] = events
  const oldest = first === undefined || first.id > firstId ? firstId : first.id
  if (base !== undefined && (isWhole || oldest <= base.upTo)) return refoldFrom(base, tx, news)
  const deletion = mayFollowDeletion ? deletionIn(base, key) : []
  const refolded = refoldTimeline(timeline, [...deletion, ...events], isWhole)
  if (refolded !== undefined) return { key, foldedSeq: seq, timeline: refolded, refoldedSince: first?.id }
  if (base !== undefined) return refoldFrom(base, tx, news)
  const whole = await readWholeHistory(tx, news)
  return refold(tx, news, { events: whole, isWhole: true, mayFollowDeletion: false }, undefined)
}

/** Folds the remaining history on top of the base. Late events that belong before the base change nothing. */
async function refoldFrom({ upTo, timeline }: MailboxBase, tx: Queryable, news: News): Promise<FoldedMailbox> {
  const events = await readWholeHistory(tx, news, upTo)
  return {
    key: news.mailbox.key,
    foldedSeq: news.seq,
    timeline: foldTimeline(timeline, events),
    refoldedSince: timeline.pauses[0]?.openedBy ?? events[0]?.id,
  }
}

/** A deletion event for a campaign that was deleted at the end of its removed history. */
function deletionIn(base: MailboxBase | undefined, key: MailboxKey): readonly MailboxEvent[] {
  const mailbox = base?.timeline.mailbox ?? undefined
  if (mailbox?.status !== 'deleted') return []
  const { lastEventId: id, statusSince: receivedAt } = mailbox
  return [{ ...key, source: 'retention', id, type: 'campaign.deleted', receivedAt, profile: {} }]
}
