import { sql } from 'kysely'

/** The processing status of an event. */
export const eventStatuses = ['accepted', 'duplicate', 'processed', 'failing', 'dead'] as const
export type EventStatus = (typeof eventStatuses)[number]

/** The status of the row `e` of `events`, derived from its deliveries. */
export const statusOfEvent = sql<EventStatus>`
  CASE WHEN e.duplicate_of IS NOT NULL THEN 'duplicate' ELSE (
    SELECT CASE
      WHEN bool_or(d.status = 'dead') THEN 'dead'
      WHEN bool_or(d.status = 'failing') THEN 'failing'
      WHEN count(*) FILTER (WHERE d.status = 'done') >= cardinality(e.handlers) THEN 'processed'
      ELSE 'accepted' END
    FROM deliveries d WHERE d.event_id = e.id
  ) END`
