import { isDeepStrictEqual } from 'node:util'
import { emptyTimeline, foldTimeline, type Pause, type Timeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxEvent } from '@warmhook/schema/mailbox-event'
import { readEnvelope } from '@warmhook/schema/read-envelope'
import type { Database } from '@warmhook/store/database'
import { readMailboxes } from '@warmhook/store/mailboxes/read-mailboxes'
import { recentPauses } from '@warmhook/store/pauses/recent-pauses'
import { sql } from 'kysely'
import { chaosEvent, numberOf, payloadOf } from './chaos-event.ts'
import type { CrmPeer } from './crm-peer.ts'
import { compareContact } from './compare-contact.ts'
import type { Load } from './load.ts'
import { handlers } from './outcome-tracker.ts'

/** The problems found at the end of a run, by event and as messages. */
export interface Verdict {
  /** Accepted, but without a row or without an outcome in every handler. */
  readonly lost: readonly number[]
  /** Recorded under more than one id. */
  readonly doubled: readonly number[]
  /** Recorded although the sender got no 202, which is allowed. */
  readonly unexpected: number
  readonly recorded: number
  /** Recorded events with the same payload as the mailbox's previous event. */
  readonly duplicates: number
  readonly problems: readonly string[]
}

export interface Trial {
  readonly db: Database
  readonly crm: CrmPeer
  readonly load: Load
  readonly mailboxes: number
}

const mailboxesPerPage = 200

/** Compares the sent events with the database and the CRM. Nothing may be in flight any more. */
export async function reachVerdict({ db, crm, load, mailboxes }: Trial): Promise<Verdict> {
  const problems: string[] = []
  const idsOf = new Map<number, string[]>()
  const unfinished = new Set<number>()
  let recorded = 0
  let duplicates = 0
  const repeated = new Set<string>()
  for (let first = 0; first < mailboxes; first += mailboxesPerPage) {
    const rows = await readEvents(db, first, first + mailboxesPerPage)
    recorded += rows.length
    const isRepeat = trackRepeats()
    const events = rows.flatMap((row) => {
      const { problem, n, event } = readRow(row, load, mailboxes)
      if (problem !== undefined) problems.push(problem)
      if (n === undefined || event === undefined) return []
      idsOf.set(n, [...(idsOf.get(n) ?? []), row.id])
      const isDuplicate = isRepeat(event, n)
      if (isDuplicate !== (row.duplicateOf !== null))
        problems.push(`event ${row.id} ${isDuplicate ? 'should' : 'should not'} count as a duplicate`)
      if (isDuplicate) {
        duplicates += 1
        repeated.add(event.profile.email ?? '')
        return []
      }
      if (row.outcomes !== allDone) unfinished.add(n)
      return [event]
    })
    problems.push(...(await compareMailboxes(db, crm, events)))
  }
  problems.push(...(await checkRest(db, recorded)))
  // An event that turns out to be a duplicate no longer counts, so the older state is correct.
  const backwards = crm.backwards.filter((email) => !repeated.has(email))
  if (backwards.length > 0)
    problems.push(
      `the CRM received an older state after a newer one: ${backwards.slice(0, 5).join(', ')} (${backwards.length})`,
    )
  const numbers = Array.from({ length: load.sent }, (_, n) => n)
  const lost = numbers.filter((n) => {
    const ack = load.ackOf(n)
    return ack === undefined ? unfinished.has(n) : unfinished.has(n) || idsOf.get(n)?.includes(ack) !== true
  })
  return {
    lost,
    doubled: numbers.filter((n) => (idsOf.get(n)?.length ?? 0) > 1),
    unexpected: numbers.filter((n) => load.ackOf(n) === undefined && idsOf.has(n)).length,
    recorded,
    duplicates,
    problems,
  }
}

interface EventRow {
  readonly id: string
  readonly owner: string
  readonly source: string
  readonly body: string
  readonly duplicateOf: string | null
  readonly outcomes: string | null
}

const allDone = handlers.map((handler) => `${handler} done`).join(', ')

async function readEvents(db: Database, from: number, to: number): Promise<readonly EventRow[]> {
  const { rows } = await sql<EventRow>`
    SELECT e.id, e.owner, e.source, convert_from(e.raw, 'UTF8') AS body, e.duplicate_of AS "duplicateOf",
      (SELECT string_agg(handler || ' ' || status, ', ' ORDER BY handler) FROM deliveries WHERE event_id = e.id) AS outcomes
    FROM events e WHERE campaign_id >= ${from} AND campaign_id < ${to} ORDER BY id`.execute(db)
  return rows
}

function readRow(
  { id, owner, source, body }: EventRow,
  load: Load,
  mailboxes: number,
): { readonly problem?: string; readonly n?: number; readonly event?: MailboxEvent } {
  const n = numberOf(body)
  if (n === undefined || n >= load.sent || body !== chaosEvent(n, mailboxes))
    return { problem: `event ${id} was never sent: ${body.slice(0, 200)}` }
  const receivedAt = Number.parseInt(id.replace('-', '').slice(0, 12), 16)
  const verdict = readEnvelope({ id, owner, source, receivedAt, body, encoding: 'utf8' })
  if (!verdict.ok) return { n, problem: `event ${id} can't be read: ${verdict.issue}` }
  return { n, event: verdict.event }
}

/** Whether an event repeats the payload of its mailbox's previous event. Call it in arrival order. */
function trackRepeats(): (event: MailboxEvent, n: number) => boolean {
  const last = new Map<string, number>()
  return (event, n) => {
    const key = mailboxKeyOf(event)
    const before = last.get(key)
    last.set(key, payloadOf(n))
    return before === payloadOf(n)
  }
}

/** Mailboxes, pauses and contacts must equal the fold of the stored events, which are given in arrival order. */
async function compareMailboxes(
  db: Database,
  crm: CrmPeer,
  events: readonly MailboxEvent[],
): Promise<readonly string[]> {
  if (events.length === 0) return []
  const histories = Map.groupBy(events, mailboxKeyOf)
  const keys = [...histories.values()].flatMap(([event]) => event ?? [])
  const [stored, pauses] = [await readMailboxes(db, keys), await recentPauses(db, keys, 0)]
  return [...histories].flatMap(([key, history]) => {
    const expected = foldTimeline(emptyTimeline, history)
    const found = { mailbox: stored.get(key)?.timeline.mailbox ?? null, pauses: pauses.get(key) ?? [] }
    return [...compareTimelines(key, expected, found), ...compareContact(history, expected, crm)]
  })
}

function compareTimelines(key: string, expected: Timeline, found: Timeline): readonly string[] {
  const problems: string[] = []
  if (!isDeepStrictEqual(found.mailbox, expected.mailbox))
    problems.push(`mailbox ${key} is ${JSON.stringify(found.mailbox)}, not ${JSON.stringify(expected.mailbox)}`)
  if (!isDeepStrictEqual(found.pauses.map(plain), expected.pauses.map(plain)))
    problems.push(`pauses of ${key} are ${JSON.stringify(found.pauses)}, not ${JSON.stringify(expected.pauses)}`)
  return problems
}

function plain({ openedBy, openedAt, openedByType, reason, reasons, closed }: Pause): Pause {
  return { openedBy, openedAt, openedByType, reason, reasons: [...reasons], closed }
}

/** Finds effects that belong to no event, and quarantined events. */
async function checkRest(db: Database, recorded: number): Promise<readonly string[]> {
  const { rows } = await sql<{ events: number; strays: number; quarantined: number; mailboxes: number }>`
    SELECT (SELECT count(*)::int FROM events) AS events,
      (SELECT count(*)::int FROM deliveries d WHERE NOT EXISTS (SELECT FROM events WHERE id = d.event_id)) AS strays,
      (SELECT count(*)::int FROM quarantine) AS quarantined,
      (SELECT count(*)::int FROM mailboxes m WHERE NOT EXISTS (
        SELECT FROM events WHERE campaign_id = m.campaign_id AND owner = m.owner)) AS mailboxes`.execute(db)
  const [row] = rows
  if (row === undefined) throw new RangeError('the query returns one row')
  return [
    ...(row.events === recorded ? [] : [`${row.events - recorded} events of mailboxes that were never sent`]),
    ...(row.strays === 0 ? [] : [`${row.strays} deliveries without an event`]),
    ...(row.quarantined === 0 ? [] : [`${row.quarantined} events in quarantine`]),
    ...(row.mailboxes === 0 ? [] : [`${row.mailboxes} mailboxes without events`]),
  ]
}
