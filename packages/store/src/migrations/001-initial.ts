import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

// Tables with frequent updates have a low fillfactor, so that updates stay on the same page (HOT) and touch no index.
const statements = [
  `CREATE TABLE intake_batches (
    id uuid PRIMARY KEY,
    envelopes integer NOT NULL,
    routed_at timestamptz NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE events (
    id uuid PRIMARY KEY,
    owner text NOT NULL,
    source text NOT NULL,
    campaign_id bigint NOT NULL,
    type text NOT NULL,
    email text,
    received_at timestamptz NOT NULL,
    event json NOT NULL,
    raw bytea NOT NULL,
    payload_hash bytea NOT NULL,
    delivery_id text,
    duplicate_of uuid,
    revived_by uuid,
    handlers text[] NOT NULL
  )`,
  `CREATE INDEX events_by_mailbox ON events (campaign_id, owner, id)`,
  `CREATE INDEX events_by_delivery_id ON events (delivery_id, owner, source, id) WHERE delivery_id IS NOT NULL`,
  `CREATE INDEX events_duplicates ON events (id) WHERE duplicate_of IS NOT NULL`,
  `CREATE INDEX events_revived ON events (revived_by) WHERE revived_by IS NOT NULL`,
  `CREATE TABLE deliveries (
    event_id uuid NOT NULL,
    handler text NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL,
    error text,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    replay_id uuid,
    PRIMARY KEY (event_id, handler)
  )`,
  `CREATE INDEX deliveries_unfinished ON deliveries (status, handler, event_id) WHERE status <> 'done'`,
  `CREATE TABLE mailboxes (
    owner text NOT NULL,
    campaign_id bigint NOT NULL,
    email text,
    first_name text,
    last_name text,
    provider text,
    tags text[],
    meta text,
    status text NOT NULL,
    status_since timestamptz NOT NULL,
    reason text,
    last_event_id uuid NOT NULL,
    last_event_at timestamptz NOT NULL,
    recent_event_ids uuid[] NOT NULL,
    PRIMARY KEY (campaign_id, owner)
  ) WITH (fillfactor = 60)`,
  `CREATE TABLE pauses (
    owner text NOT NULL,
    campaign_id bigint NOT NULL,
    opened_by uuid NOT NULL,
    opened_at timestamptz NOT NULL,
    reason text,
    reasons text[] NOT NULL,
    category text NOT NULL,
    closed_by uuid,
    closed_by_type text,
    closed_at timestamptz,
    PRIMARY KEY (campaign_id, owner, opened_by)
  )`,
  `CREATE UNIQUE INDEX pauses_open ON pauses (campaign_id, owner) WHERE closed_by IS NULL`,
  `CREATE INDEX pauses_by_time ON pauses (opened_by)`,
  `CREATE TABLE quarantine (
    id uuid PRIMARY KEY,
    owner text NOT NULL,
    source text NOT NULL,
    received_at timestamptz NOT NULL,
    issue text NOT NULL,
    issues json NOT NULL,
    raw bytea NOT NULL,
    delivery_id text
  )`,
  `CREATE INDEX quarantine_by_issue ON quarantine (issue, id)`,
  // An address can exceed the maximum size of an index entry.
  `CREATE INDEX mailboxes_by_contact ON mailboxes (lower(btrim(left(email, 320))))`,
  `CREATE TABLE crm_sync (
    provider text NOT NULL,
    email text NOT NULL,
    synced_event_id uuid,
    synced_hash text,
    remote_id text,
    synced_at timestamptz,
    in_doubt boolean NOT NULL DEFAULT false,
    lease_id uuid,
    lease_until timestamptz,
    PRIMARY KEY (email, provider)
  ) WITH (fillfactor = 60)`,
  `CREATE TABLE notices (
    owner text NOT NULL,
    campaign_id bigint NOT NULL,
    kind text NOT NULL,
    event_id uuid NOT NULL,
    claimed_by uuid NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    PRIMARY KEY (campaign_id, owner, kind, event_id)
  )`,
  `CREATE INDEX notices_by_claim ON notices (claimed_by)`,
]

export const initial: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
