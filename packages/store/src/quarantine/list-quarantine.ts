import { encodeBody, type Envelope } from '@warmhook/schema/envelope'
import { sql, type Selectable } from 'kysely'
import type { QuarantineTable, Queryable } from '../database.ts'
import { totals } from '../ledger/totals.ts'
import { parseCursor, toPage, type Page, type PageRequest } from '../page.ts'
import { showBody, type ShownBody } from '../show-body.ts'

/** Envelopes that could not be parsed for the same reason. */
export interface QuarantineGroup {
  readonly issue: string
  readonly count: number
  readonly firstAt: string
  readonly lastAt: string
  readonly sampleId: string
}

/** An envelope that could not be parsed, with its full body and the validation issues. */
export interface QuarantineView extends ShownBody {
  readonly id: string
  readonly owner: string
  readonly source: string
  readonly receivedAt: string
  readonly issue: string
  readonly issues: object
}

/** Lists the groups, the one with the latest envelope first. */
export async function listQuarantineGroups(db: Queryable, limit: number): Promise<readonly QuarantineGroup[]> {
  const { rows } = await sql<{ issue: string; count: string; first_at: Date; last_at: Date; sample_id: string }>`
    SELECT part.issue, part.count, earliest.received_at AS first_at, latest.received_at AS last_at, earliest.id AS sample_id
    FROM (
      SELECT key AS issue, sum(amount) AS count FROM ${totals} AS total WHERE name = 'quarantine' GROUP BY key
    ) AS part
    CROSS JOIN LATERAL (
      SELECT id, received_at FROM quarantine q WHERE q.issue = part.issue ORDER BY id LIMIT 1
    ) AS earliest
    CROSS JOIN LATERAL (
      SELECT received_at FROM quarantine q WHERE q.issue = part.issue ORDER BY id DESC LIMIT 1
    ) AS latest
    ORDER BY latest.received_at DESC LIMIT ${limit}::int`.execute(db)
  return rows.map((row) => ({
    issue: row.issue,
    count: Number(row.count),
    firstAt: row.first_at.toISOString(),
    lastAt: row.last_at.toISOString(),
    sampleId: row.sample_id,
  }))
}

/** Lists the envelopes of one group, latest first. */
export async function listQuarantine(
  db: Queryable,
  issue: string,
  { limit, cursor }: PageRequest,
): Promise<Page<QuarantineView>> {
  const before = parseCursor(cursor)
  let query = db
    .selectFrom('quarantine')
    .selectAll()
    .where('issue', '=', issue)
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (before !== undefined) query = query.where('id', '<', before)
  const { items, nextCursor } = toPage(
    await query.execute(),
    limit,
    (row) => row.id,
    (row) => row,
  )
  const views: QuarantineView[] = []
  for (const row of items) views.push(await toView(row))
  return { items: views, nextCursor }
}

/** Reads the quarantined envelope with this id, if it exists. */
export async function readQuarantined(db: Queryable, id: string): Promise<QuarantineView | undefined> {
  const row = await db.selectFrom('quarantine').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toView(row)
}

export interface QuarantineFilter {
  readonly issue?: string | undefined
  readonly ids?: readonly string[] | undefined
}

const pageSize = 64

/** The quarantined envelopes as they were received, oldest first, in pages. */
export async function* selectQuarantined(db: Queryable, filter: QuarantineFilter): AsyncGenerator<readonly Envelope[]> {
  for (let after: string | undefined; ;) {
    let query = db.selectFrom('quarantine').selectAll().orderBy('id').limit(pageSize)
    if (after !== undefined) query = query.where('id', '>', after)
    if (filter.issue !== undefined) query = query.where('issue', '=', filter.issue)
    if (filter.ids !== undefined) query = query.where(sql<boolean>`id = ANY(${[...filter.ids]}::uuid[])`)
    const rows = await query.execute()
    if (rows.length > 0) yield rows.map(toEnvelope)
    if (rows.length < pageSize) return
    after = rows.at(-1)?.id
  }
}

async function toView(row: Selectable<QuarantineTable>): Promise<QuarantineView> {
  const { id, owner, source, issue, issues } = row
  const receivedAt = row.received_at.toISOString()
  return { id, owner, source, receivedAt, issue, issues, ...(await showBody(row.raw, row.content_encoding)) }
}

function toEnvelope(row: Selectable<QuarantineTable>): Envelope {
  const { id, owner, source } = row
  return {
    id,
    source,
    owner,
    receivedAt: row.received_at.getTime(),
    ...encodeBody(row.raw),
    ...(row.content_encoding === null ? {} : { contentEncoding: row.content_encoding }),
    ...(row.delivery_id === null ? {} : { deliveryId: row.delivery_id }),
  }
}
