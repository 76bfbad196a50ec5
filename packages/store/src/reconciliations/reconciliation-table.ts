import type { ColumnType, Generated } from 'kysely'

/** `waiting`: complete, but so many mailboxes vanished that a person has to confirm it. */
export const reconciliationStates = ['running', 'done', 'failed', 'waiting'] as const
export type ReconciliationState = (typeof reconciliationStates)[number]

/** A reading of all campaigns of an owner. The counts are of corrections, or, in a dry run, of needed ones. */
export interface ReconciliationTable {
  id: string
  owner: string
  dry_run: boolean
  /** A person said that missing mailboxes are deleted, however many they are. */
  accept_vanished: boolean
  state: ReconciliationState
  started_at: Date
  /** When a worker last went on with it. */
  touched_at: Date
  finished_at: ColumnType<Date | null, undefined, Date>
  /** Where to go on; null for the first page, and after the last. */
  next_page: ColumnType<string | null, undefined, string | null>
  checked: Generated<number>
  opened: Generated<number>
  closed: Generated<number>
  added: Generated<number>
  vanished: Generated<number>
  changed: Generated<number>
  confirmed: Generated<number>
  /** Mailboxes whose `status_code` is not known here. */
  unclear: Generated<number>
  /** Whether Mailivery was asked to recheck paused mailboxes. */
  rechecked: Generated<boolean>
  error: ColumnType<string | null, undefined, string | null>
}
