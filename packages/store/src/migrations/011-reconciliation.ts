import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = [
  `ALTER TABLE pauses
    ADD COLUMN opened_by_type text NOT NULL DEFAULT 'campaign.connection.problematic',
    ADD COLUMN closed_proof text`,
  // Only the latest pause of a mailbox that still counts as active can be shown to go on.
  `UPDATE pauses p SET closed_proof = CASE
      WHEN closed_by_type <> 'campaign.updated' THEN 'certain'
      WHEN EXISTS (SELECT FROM mailboxes m WHERE m.campaign_id = p.campaign_id AND m.owner = p.owner
          AND m.status IN ('active', 'pending'))
        AND NOT EXISTS (SELECT FROM pauses later WHERE later.campaign_id = p.campaign_id AND later.owner = p.owner
          AND later.opened_by > p.opened_by) THEN 'presumed'
      ELSE 'unverified' END
    WHERE closed_by IS NOT NULL`,
  // The pause that a mailbox's next events can change.
  `CREATE INDEX pauses_changeable ON pauses (campaign_id, owner) WHERE closed_by IS NULL OR closed_proof = 'presumed'`,
  `DROP INDEX events_of_lives`,
  `CREATE INDEX events_of_lives ON events (campaign_id, owner, id)
    WHERE type IN ('campaign.created', 'campaign.pending', 'campaign.deleted', 'mailbox.reconciled')
      AND duplicate_of IS NULL`,
  // What Mailivery's API last said. Apart from the mailboxes, whose rows the folding of events locks.
  `CREATE TABLE mailbox_readings (
    owner text NOT NULL,
    campaign_id bigint NOT NULL,
    status_code text,
    -- The start of the latest reading that contained the mailbox.
    read_at timestamptz NOT NULL,
    -- The first complete reading since then that did not contain it.
    missed_at timestamptz,
    PRIMARY KEY (campaign_id, owner)
  ) WITH (fillfactor = 60)`,
  `CREATE INDEX mailbox_readings_of_owner ON mailbox_readings (owner, campaign_id)`,
  `CREATE TABLE reconciliations (
    id uuid PRIMARY KEY,
    owner text NOT NULL,
    dry_run boolean NOT NULL,
    accept_vanished boolean NOT NULL,
    state text NOT NULL,
    started_at timestamptz NOT NULL,
    touched_at timestamptz NOT NULL,
    finished_at timestamptz,
    next_page text,
    checked integer NOT NULL DEFAULT 0,
    opened integer NOT NULL DEFAULT 0,
    closed integer NOT NULL DEFAULT 0,
    added integer NOT NULL DEFAULT 0,
    vanished integer NOT NULL DEFAULT 0,
    changed integer NOT NULL DEFAULT 0,
    confirmed integer NOT NULL DEFAULT 0,
    unclear integer NOT NULL DEFAULT 0,
    rechecked boolean NOT NULL DEFAULT false,
    error text
  )`,
  `CREATE INDEX reconciliations_of_owner ON reconciliations (owner, id)`,
  // What was decided about pending campaigns, which wait until the integrator starts their warm-up.
  `CREATE TABLE warmup_starts (
    owner text NOT NULL,
    campaign_id bigint NOT NULL,
    event_id uuid NOT NULL,
    decision text NOT NULL,
    detail text NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, owner, event_id)
  )`,
  `CREATE INDEX warmup_starts_by_event ON warmup_starts (event_id)`,
]

/** Readings of Mailivery's API, and how certain the end of a pause is. */
export const reconciliation: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
