import { crmSync } from '@warmhook/handlers/crm-sync/handler'
import { readAccountStates, type OwnerState } from '@warmhook/crm/accounts/read-account-states'
import type { ReadDeps } from '../board-deps.ts'

/** The handler that writes to CRMs. */
export const crmHandler = crmSync.name

/** The accounts of all owners, with their states. */
export async function readCrmOwners({
  db,
  redis,
  prefix,
  now,
}: Pick<ReadDeps, 'db' | 'redis' | 'prefix' | 'now'>): Promise<readonly OwnerState[]> {
  return readAccountStates({ db, redis, prefix, now, handler: crmHandler })
}
