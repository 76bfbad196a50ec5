import { foldTimeline, refoldTimeline, type Timeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxEvent, type MailboxKey } from '@warmhook/schema/mailbox-event'
import type { Database } from '../database.ts'
import { lockMailboxes } from '../lock-mailboxes.ts'
import { readMailboxes, readRecentHistories, unknownMailbox, type StoredMailbox } from './read-mailboxes.ts'
import { saveMailboxes, type FoldedMailbox } from './save-mailboxes.ts'

/** The states of the events' mailboxes, by `mailboxKeyOf`. */
export type MailboxTimelines = ReadonlyMap<string, Timeline>

/**
 * Brings the stored mailboxes and pauses up to these recorded events, and returns them. A mailbox's state depends on
 * its recorded events alone: an event that comes again changes nothing, and one that comes late has its mailbox folded
 * again from where it can have changed something.
 */
export async function foldEvents(db: Database, events: readonly MailboxEvent[]): Promise<MailboxTimelines> {
  return db.transaction().execute(async (tx) => {
    const groups = Map.groupBy(events, mailboxKeyOf)
    await lockMailboxes(tx, 'folding', keysOf(groups))
    const stored = await readMailboxes(tx, keysOf(groups))
    const pending = [...groups].flatMap(([key, [first, ...rest]]) => {
      if (first === undefined) return []
      const mailbox = stored.get(key) ?? unknownMailbox(first)
      const news = [first, ...rest].filter((event) => !isFolded(mailbox, event)).toSorted(inArrivalOrder)
      return news.length === 0 ? [] : [{ key, mailbox, news }]
    })
    const late = pending.flatMap(({ mailbox, news: [first] }) =>
      first !== undefined && first.id <= (mailbox.timeline.mailbox?.lastEventId ?? '')
        ? [{ key: mailbox.key, firstLateId: first.id }]
        : [],
    )
    const histories =
      late.length === 0 ? new Map<string, readonly MailboxEvent[]>() : await readRecentHistories(tx, late)
    const folded = pending.map(({ key, mailbox, news }) => fold(mailbox, news, histories.get(key)))
    if (folded.length > 0) await saveMailboxes(tx, folded)
    return new Map([
      ...[...stored].map(([key, { timeline }]) => [key, timeline] as const),
      ...folded.map(({ key, timeline }) => [mailboxKeyOf(key), timeline] as const),
    ])
  })
}

/** The same answer with one query and no lock when another handler has folded these events already. */
export async function readFolded(db: Database, events: readonly MailboxEvent[]): Promise<MailboxTimelines> {
  const groups = Map.groupBy(events, mailboxKeyOf)
  const stored = await readMailboxes(db, keysOf(groups))
  const isCurrent = [...groups].every(([key, group]) => {
    const mailbox = stored.get(key)
    return mailbox !== undefined && group.every((event) => isFolded(mailbox, event))
  })
  return isCurrent ? new Map([...stored].map(([key, { timeline }]) => [key, timeline])) : foldEvents(db, events)
}

function isFolded(mailbox: StoredMailbox, event: MailboxEvent): boolean {
  return mailbox.recentEventIds.includes(event.id)
}

function keysOf(groups: ReadonlyMap<string, readonly MailboxEvent[]>): readonly MailboxKey[] {
  return [...groups.values()].flatMap(([first]) => first ?? [])
}

function inArrivalOrder(a: MailboxEvent, b: MailboxEvent): number {
  return a.id < b.id ? -1 : 1
}

/** Enough for the events that several handlers have in hand at once; one that is forgotten is only folded again. */
const recentCount = 16

function fold(
  mailbox: StoredMailbox,
  news: readonly MailboxEvent[],
  history: readonly MailboxEvent[] | undefined,
): FoldedMailbox {
  const timeline =
    history === undefined ? foldTimeline(mailbox.timeline, news) : refoldTimeline(mailbox.timeline, history)
  const recent = [...news.map((event) => event.id).toReversed(), ...mailbox.recentEventIds]
  return { key: mailbox.key, timeline, recentEventIds: recent.slice(0, recentCount), refoldedSince: history?.[0]?.id }
}
