import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = [
  // What workers are configured for, so that the board can tell each owner's account and its state.
  `CREATE TABLE crm_accounts (
    owner text PRIMARY KEY,
    account text,
    provider text,
    gate_key text,
    mode text,
    announced_at timestamptz NOT NULL
  )`,
  `CREATE INDEX crm_sync_by_owner ON crm_sync (provider, owner) WHERE synced_at IS NOT NULL`,
  `UPDATE peer_gates SET cause = CASE cause WHEN 'refused' THEN 'misconfigured' WHEN 'unreachable' THEN 'down' ELSE cause END`,
]

/** CRM accounts per owner. */
export const crmAccounts: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
