import { incidentRules, type Incident } from '@warmhook/schema/incident'
import { reasonKind } from '@warmhook/schema/reason'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { parseCursor, toPage, type Page, type PageRequest } from '../page.ts'
import { uuidFloor } from '../uuid-floor.ts'

export interface IncidentFilter {
  readonly state?: 'open' | 'closed' | undefined
  readonly owner?: string | undefined
}

/** An incident as shown by the API. */
export interface IncidentView extends Pick<Incident, 'id' | 'owner' | 'cause' | 'mailboxes' | 'open'> {
  readonly title: string
  readonly nextStep: string
  readonly openedAt: string
  readonly closedAt: string | null
  /** Addresses of some of its mailboxes. */
  readonly sample: readonly string[]
}

/** Pauses that began earlier are left out, unless they are open. */
const windowMs = 30 * 24 * 3_600_000
const sampleSize = 10

interface Row {
  readonly id: string
  readonly owner: string
  readonly domain: string
  readonly provider: string
  readonly category: string
  readonly opened_at: Date
  readonly closed_at: Date | null
  readonly mailboxes: number
  readonly open: number
  readonly sample: readonly string[] | null
}

/** Lists the incidents of the last 30 days and those that are open, the latest first. They are derived from pauses alone. */
export async function listIncidents(
  db: Queryable,
  { state, owner }: IncidentFilter,
  { limit, cursor }: PageRequest,
  now: number,
): Promise<Page<IncidentView>> {
  const before = parseCursor(cursor)
  const since = uuidFloor(Math.max(0, now - windowMs))
  const { rows } = await sql<Row>`
    WITH paused AS (
      SELECT p.owner, p.campaign_id, p.opened_by, p.opened_at, p.closed_at, p.category, m.email,
        lower(coalesce(substring(m.email FROM '@([^@]*)$'), '')) AS domain, lower(coalesce(m.provider, '')) AS provider
      FROM pauses p LEFT JOIN mailboxes m ON m.campaign_id = p.campaign_id AND m.owner = p.owner
      WHERE (p.opened_by >= ${since}::uuid OR p.closed_by IS NULL) AND (${owner ?? null}::text IS NULL OR p.owner = ${owner ?? null})
    ), marked AS (
      SELECT *, coalesce(opened_at - lag(opened_at) OVER cause > ${incidentRules.gapMs} * interval '1 millisecond', true)
        AS is_first
      FROM paused WINDOW cause AS (PARTITION BY owner, domain, provider, category ORDER BY opened_by)
    ), numbered AS (
      SELECT *, count(*) FILTER (WHERE is_first)
        OVER (PARTITION BY owner, domain, provider, category ORDER BY opened_by) AS number
      FROM marked
    )
    SELECT (array_agg(opened_by ORDER BY opened_by))[1] AS id, owner, domain, provider, category,
      min(opened_at) AS opened_at, CASE WHEN bool_and(closed_at IS NOT NULL) THEN max(closed_at) END AS closed_at,
      count(DISTINCT campaign_id)::int AS mailboxes,
      count(DISTINCT campaign_id) FILTER (WHERE closed_at IS NULL)::int AS open,
      to_json((array_agg(DISTINCT email) FILTER (WHERE email IS NOT NULL))[1:${sql.lit(sampleSize)}]) AS sample
    FROM numbered GROUP BY owner, domain, provider, category, number
    HAVING count(DISTINCT campaign_id) >= ${incidentRules.minMailboxes}
      AND (${before ?? null}::uuid IS NULL OR (array_agg(opened_by ORDER BY opened_by))[1] < ${before ?? null}::uuid)
      AND (${state ?? null}::text IS NULL OR bool_and(closed_at IS NOT NULL) = (${state ?? null}::text = 'closed'))
    ORDER BY id DESC LIMIT ${limit + 1}`.execute(db)
  return toPage(rows, limit, ({ id }) => id, toView)
}

function toView(row: Row): IncidentView {
  const { id, owner, domain, provider, category, mailboxes, open } = row
  const { title, nextStep } = reasonKind(category)
  return {
    id,
    owner,
    cause: { domain, provider, category },
    title,
    nextStep,
    openedAt: row.opened_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
    mailboxes,
    open,
    sample: row.sample ?? [],
  }
}
