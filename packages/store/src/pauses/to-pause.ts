import type { Pause, PauseEnd } from '@warmhook/schema/fold-timeline'
import { isPresumption } from '@warmhook/schema/mailbox-event'
import type { Selectable } from 'kysely'
import type { PauseTable } from '../database.ts'

/** The columns of a pause. */
export type PauseRow = Omit<Selectable<PauseTable>, 'category'>

/** A stored pause. */
export function toPause(row: PauseRow): Pause {
  return {
    openedBy: row.opened_by,
    openedAt: row.opened_at.getTime(),
    openedByType: row.opened_by_type,
    reason: row.reason,
    reasons: row.reasons,
    closed: toEnd(row),
  }
}

/** Versions without readings of Mailivery's API did not store the proof. */
function toEnd({
  closed_by: eventId,
  closed_at: at,
  closed_by_type: type,
  closed_proof: proof,
}: PauseRow): PauseEnd | null {
  if (eventId === null || at === null || type === null) return null
  return { eventId, at: at.getTime(), type, proof: proof ?? (isPresumption(type) ? 'unverified' : 'certain') }
}
