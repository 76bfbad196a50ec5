import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** An owner's CRM account. */
export interface CrmAccountRow {
  /** Its id in `crm_sync`. */
  readonly id: string
  /** The kind of CRM. */
  readonly provider: string
  /** Its key in `peer_gates` and in Redis. */
  readonly key: string
  readonly mode: string
}

/** An owner, with an account or without. */
export interface CrmOwner {
  readonly owner: string
  readonly account: CrmAccountRow | undefined
}

/** Owners that no worker has announced for this long are no longer configured. */
const announcedForMs = 10 * 60_000

/** Announces the owners and accounts that a worker is configured for, so that the board can show them. */
export async function announceCrmOwners(db: Queryable, owners: readonly CrmOwner[]): Promise<void> {
  const rows = owners.map(({ owner, account }) => ({
    owner,
    account: account?.id,
    provider: account?.provider,
    gate_key: account?.key,
    mode: account?.mode,
  }))
  await sql`
    INSERT INTO crm_accounts (owner, account, provider, gate_key, mode, announced_at)
    SELECT owner, account, provider, gate_key, mode, now() FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      owner text, account text, provider text, gate_key text, mode text)
    ORDER BY owner
    ON CONFLICT (owner) DO UPDATE SET account = excluded.account, provider = excluded.provider,
      gate_key = excluded.gate_key, mode = excluded.mode, announced_at = excluded.announced_at`.execute(db)
}

/** The owners that the installation's workers are configured for. */
export async function readCrmOwners(db: Queryable): Promise<readonly CrmOwner[]> {
  const { rows } = await sql<{
    owner: string
    account: string | null
    provider: string | null
    gate_key: string | null
    mode: string | null
  }>`
    SELECT owner, account, provider, gate_key, mode FROM crm_accounts
    WHERE announced_at > now() - ${announcedForMs} * interval '1 millisecond' ORDER BY owner`.execute(db)
  return rows.map(({ owner, account: id, provider, gate_key: key, mode }) => ({
    owner,
    account:
      id === null || provider === null || key === null || mode === null ? undefined : { id, provider, key, mode },
  }))
}
