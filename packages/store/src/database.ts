import type { PauseProof } from '@warmhook/schema/fold-timeline'
import type { EventType, MailboxStatus } from '@warmhook/schema/mailbox-event'
import type { ReasonCategory } from '@warmhook/schema/reason'
import type { ReconciliationTable } from './reconciliations/reconciliation-table.ts'
import type { WarmupStartTable } from './warmup-starts/warmup-start-table.ts'
import type { ProfileColumns } from './mailboxes/profile-columns.ts'
import type { ColumnType, GeneratedAlways, JSONColumnType, Kysely, Transaction } from 'kysely'

/** A routed intake job from a version that did not number envelopes. */
export interface IntakeBatchTable {
  id: string
  envelopes: number
  routed_at: ColumnType<Date, never, never>
}

/** Ranges of routed envelopes, by the numbers that ingress processes assign. Rows may overlap. */
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

/** A parsed webhook. `id` (UUIDv7) gives the arrival order. */
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
  /** The body's content encoding, as sent; null if there was none. */
  content_encoding: string | null
  /** Parts of the payload that do not match the documented format; null if there are none. */
  warnings: string[] | null
  payload_hash: Buffer
  delivery_id: string | null
  /** The earlier event that this one repeats. */
  duplicate_of: string | null
  /** The handlers that the event was routed to. */
  handlers: string[]
  /** Whether the router wrote outbox rows for the event; routers of earlier versions did not. */
  in_outbox: ColumnType<boolean, boolean | undefined>
  /**
   * The order in which a mailbox's events became visible; reassigned when an event's verdict changes. It follows commit
   * order, because the transaction that assigns it holds the mailbox's routing lock until it commits.
   */
  seq: GeneratedAlways<string>
}

export type DeliveryStatus = 'done' | 'failing' | 'dead'

/** The state of one event in one handler. */
export interface DeliveryTable {
  event_id: string
  handler: string
  status: DeliveryStatus
  attempts: number
  /** Why it failed, or a note on how it succeeded. */
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
  /** The greatest `seq` among the mailbox's events at the last fold. Only events with a greater `seq` are new. */
  folded_seq: string
}

export interface PauseTable {
  owner: string
  campaign_id: string
  /** The event that opened the pause. */
  opened_by: string
  opened_by_type: EventType
  opened_at: Date
  reason: string | null
  reasons: string[]
  category: ReasonCategory
  closed_by: string | null
  closed_by_type: EventType | null
  closed_proof: PauseProof | null
  closed_at: Date | null
}

/** What Mailivery's API last said about a mailbox. */
export interface MailboxReadingTable {
  owner: string
  campaign_id: string
  /** Verbatim. */
  status_code: string | null
  /** The start of the latest reading that contained the mailbox. */
  read_at: Date
  /** The first complete reading since then that did not contain it. */
  missed_at: Date | null
}

/** An accepted envelope that could not be parsed as an event, stored in full. */
export interface QuarantineTable {
  id: string
  owner: string
  source: string
  received_at: Date
  /** Groups envelopes with the same fault. */
  issue: string
  issues: JSONColumnType<object>
  raw: Buffer
  /** The body's content encoding, as sent; null if there was none. */
  content_encoding: string | null
  delivery_id: string | null
}

/** What was last written to the CRM for a contact, and which worker is writing it now. */
export interface CrmSyncTable {
  /** The account's id: `hubspot` for the account of the environment, `hubspot:…` for that of an owner. */
  provider: string
  /** In lower case, as CRMs identify contacts by it. */
  email: string
  /** The owner of the mailbox that the contact shows. */
  owner: string | null
  /** The latest event included in the last write. */
  synced_event_id: string | null
  /** SHA-256 of the last write, in hex; an identical write is skipped. */
  synced_hash: string | null
  remote_id: string | null
  synced_at: Date | null
  /** A write with an unknown result may have changed the CRM since. */
  in_doubt: ColumnType<boolean, boolean | undefined>
  /** One worker at a time may write a contact. */
  lease_id: string | null
  lease_until: Date | null
}

/** The CRM account of an owner, as announced by the workers; all null for an owner without one. */
export interface CrmAccountTable {
  owner: string
  /** The id in `crm_sync.provider`. */
  account: string | null
  /** The kind of CRM. */
  provider: string | null
  /** The account's key in `peer_gates` and in Redis. */
  gate_key: string | null
  mode: string | null
  announced_at: Date
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

/** Whether workers may call a peer's account: see `enterPeerGate`. */
export interface PeerGateTable {
  key: string
  peer: string
  /** `cause`, `reason` and `since` are null while the gate is open. */
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

/** Events that a handler still owes: one job, enqueued or yet to be enqueued. Deleted with the last final outcome. */
export interface OutboxTable {
  /** Also the id of the job. */
  id: string
  handler: string
  event_ids: string[]
  replay_id: string | null
  /** False while the job waits for space in Redis. */
  is_queued: boolean
  created_at: ColumnType<Date, never, never>
}

/** A handler that at least one worker of the installation is configured for. */
export interface HandlerTable {
  name: string
  subscribes: EventType[]
  batch_max: number
  announced_at: Date
  /** Minutes in which workers ran, but none was configured for it. */
  absent_minutes: number
}

/** The worker that sweeps the outbox, and what it has done so far. */
export interface SweeperTable {
  id: number
  holder: string | null
  held_until: Date
  swept_at: Date | null
  /** Jobs enqueued after they had waited for space. */
  fed: string
  /** Jobs enqueued again because Redis had lost them. */
  recreated: string
}

/** Part of a total, which is the sum over the rows of this table and `total_changes`. */
export interface TotalTable {
  /** What is counted. */
  name: string
  /** The group that is counted; empty if the total has no groups. */
  key: string
  /** Start of the time bucket; `-infinity` for old amounts and for totals without buckets. */
  bucket: Date
  amount: string
}

/** The state of a mailbox after its removed events; the remaining history is folded on top of it. */
export interface MailboxBaseTable {
  owner: string
  campaign_id: string
  /** The last removed event. */
  up_to: string
  /** A `Timeline`. */
  timeline: JSONColumnType<object>
}

/** The last retention run. */
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
  crm_accounts: CrmAccountTable
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
  mailbox_readings: MailboxReadingTable
  reconciliations: ReconciliationTable
  warmup_starts: WarmupStartTable
  retention: RetentionTable
}

export type Database = Kysely<Tables>
/** A database, or a transaction on it. */
export type Queryable = Database | Transaction<Tables>
