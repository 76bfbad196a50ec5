import type { EventType, MailboxStatus } from '@warmhook/schema/mailbox-event'
import type { ReasonCategory } from '@warmhook/schema/reason'
import type { ProfileColumns } from './mailboxes/profile-columns.ts'
import type { ColumnType, GeneratedAlways, JSONColumnType, Kysely, Transaction } from 'kysely'

/** One routed intake job of a version that did not number envelopes. */
export interface IntakeBatchTable {
  id: string
  envelopes: number
  routed_at: ColumnType<Date, never, never>
}

/** Envelopes that were routed, by the numbers that ingress processes give them. Rows may overlap. */
export interface IntakeRangeTable {
  epoch: string
  first: string
  last: string
  routed_from: ColumnType<Date, never, never>
  routed_until: ColumnType<Date, never, never>
  is_merged: ColumnType<boolean, never, never>
}

/** The latest report of each ingress process and each spool, copied from Redis. */
export interface IngressReportTable {
  kind: string
  name: string
  version: string
  report: JSONColumnType<object>
  saved_at: ColumnType<Date, never, never>
}

/** One understood webhook. `id` (UUIDv7) is arrival order. */
export interface EventTable {
  id: string
  owner: string
  source: string
  campaign_id: string
  type: EventType
  email: string | null
  received_at: Date
  /** The `MailboxEvent`. */
  event: JSONColumnType<object>
  /** The request body, byte for byte. */
  raw: Buffer
  /** Of the body, as the sender named it; null: none. */
  content_encoding: string | null
  /** What of the payload could not be read as documented; null: nothing. */
  warnings: string[] | null
  payload_hash: Buffer
  delivery_id: string | null
  /** The earlier event that this one repeats. */
  duplicate_of: string | null
  /** The handlers that the event was given to. */
  handlers: string[]
  /** Whether the router that recorded it wrote what is owed for it; that of a former version did not. */
  in_outbox: ColumnType<boolean, boolean | undefined>
  /**
   * The order in which a mailbox's events became visible, assigned again when an event's verdict changes. It follows the order
   * of commits, since whoever gives it holds the mailbox's routing lock until then.
   */
  seq: GeneratedAlways<string>
}

export type DeliveryStatus = 'done' | 'failing' | 'dead'

/** What has become of one event in one handler. */
export interface DeliveryTable {
  event_id: string
  handler: string
  status: DeliveryStatus
  attempts: number
  /** Why it failed, or a remark on how it was done. */
  error: string | null
  started_at: Date
  finished_at: Date
  replay_id: string | null
}

/** The latest known state of a mailbox: the fold of its events up to `last_event_id`. */
export interface MailboxTable extends ProfileColumns {
  owner: string
  campaign_id: string
  status: MailboxStatus
  status_since: Date
  reason: string | null
  last_event_id: string
  last_event_at: Date
  /** The greatest `seq` among the mailbox's events when it was last folded: up to there, nothing is folded again. */
  folded_seq: string
}

export interface PauseTable {
  owner: string
  campaign_id: string
  /** The first problem of the pause. */
  opened_by: string
  opened_at: Date
  reason: string | null
  reasons: string[]
  category: ReasonCategory
  closed_by: string | null
  closed_by_type: EventType | null
  closed_at: Date | null
}

/** An accepted envelope that could not be read as an event, kept whole. */
export interface QuarantineTable {
  id: string
  owner: string
  source: string
  received_at: Date
  /** Groups equal faults. */
  issue: string
  issues: JSONColumnType<object>
  raw: Buffer
  /** Of the body, as the sender named it; null: none. */
  content_encoding: string | null
  delivery_id: string | null
}

/** What the CRM was last told of a contact, and who is telling it now. */
export interface CrmSyncTable {
  /** The CRM's account: its kind alone, as there is one of each. */
  provider: string
  /** In lower case: CRMs tell contacts apart by it. */
  email: string
  /** Whose mailbox the contact shows. */
  owner: string | null
  /** The latest event in what was written. */
  synced_event_id: string | null
  /** SHA-256 over what was written, hex: an equal write is skipped. */
  synced_hash: string | null
  remote_id: string | null
  synced_at: Date | null
  /** A write whose end is not known may have changed the CRM since. */
  in_doubt: ColumnType<boolean, boolean | undefined>
  /** One worker at a time may write a contact. */
  lease_id: string | null
  lease_until: Date | null
}

/** One announcement of a pause's opening or closing. */
export interface NotificationTable {
  owner: string
  campaign_id: string
  kind: 'opened' | 'closed'
  /** The event that opened or closed the pause. */
  event_id: string
  claimed_by: string
  claimed_at: Date
  sent_at: Date | null
}

/** Whether a peer's account may be called, for all workers: see `enterPeerGate`. */
export interface PeerGateTable {
  key: string
  peer: string
  /** The three are null while the gate is open. */
  cause: string | null
  reason: string | null
  since: Date | null
  refusals: number
  closed_until: Date | null
  turn_id: string | null
  turn_until: Date | null
  pace_ms: number | null
  paced_until: Date | null
}

/** Events that a handler owes: a job in its queue, or one that is still to be made. Removed with the last final outcome. */
export interface OutboxTable {
  /** Also the job's. */
  id: string
  handler: string
  event_ids: string[]
  replay_id: string | null
  /** False while the job has to wait for room in Redis. */
  is_queued: boolean
  created_at: ColumnType<Date, never, never>
}

/** A handler that some worker of the installation has the settings of. */
export interface HandlerTable {
  name: string
  subscribes: EventType[]
  batch_max: number
  announced_at: Date
  /** Minutes in which workers ran, but none that has it. */
  absent_minutes: number
}

/** The one worker that looks after the outbox, and what it has done so far. */
export interface SweeperTable {
  id: number
  holder: string | null
  held_until: Date
  swept_at: Date | null
  /** Jobs that had waited for room. */
  fed: string
  /** Jobs that Redis had lost. */
  recreated: string
}

/** What there is of something: the sum over the rows of this table and `total_changes`. */
export interface TotalTable {
  /** What is counted. */
  name: string
  /** By what it is told apart; empty: by nothing. */
  key: string
  /** The beginning of the time that it was in; `-infinity`: long ago, or told apart by no time. */
  bucket: Date
  amount: string
}

/** What the removed events of a mailbox had made of it: where its history begins. */
export interface MailboxBaseTable {
  owner: string
  campaign_id: string
  /** The last event that was removed. */
  up_to: string
  /** A `Timeline`. */
  timeline: JSONColumnType<object>
}

/** The last run of retention. */
export interface RetentionTable {
  id: number
  /** Null until the first run. */
  kept_days: number | null
  ran_at: Date | null
  removed_events: string
}

export interface Tables {
  intake_batches: IntakeBatchTable
  intake_ranges: IntakeRangeTable
  ingress_reports: IngressReportTable
  events: EventTable
  deliveries: DeliveryTable
  mailboxes: MailboxTable
  pauses: PauseTable
  quarantine: QuarantineTable
  crm_sync: CrmSyncTable
  notifications: NotificationTable
  peer_gates: PeerGateTable
  outbox: OutboxTable
  handlers: HandlerTable
  sweeper: SweeperTable
  totals: TotalTable
  total_changes: TotalTable
  legacy_events: { id: string }
  mailbox_bases: MailboxBaseTable
  retention: RetentionTable
}

export type Database = Kysely<Tables>
/** A database, or a transaction on it. */
export type Queryable = Database | Transaction<Tables>
