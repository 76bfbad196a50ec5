import { readCrmOwners } from '@warmhook/store/crm-accounts/crm-owners'
import { reopenPeerGate } from '@warmhook/store/peer-gates/read-peer-gates'
import type { ReadDeps } from '../board-deps.ts'
import { crmHandler } from './read-crm-owners.ts'
import { releaseHeldJobs } from './release-held-jobs.ts'

/**
 * Tries at once whether an owner's account works again, after a person has repaired it: one call is made, and if it
 * succeeds, all held events follow. Returns false if the owner has no account.
 */
export async function resumeAccount(
  owner: string,
  { db, handlers }: Pick<ReadDeps, 'db' | 'handlers'>,
): Promise<boolean> {
  const owners = await readCrmOwners(db)
  const account = owners.find((each) => each.owner === owner)?.account
  if (account === undefined) return false
  await reopenPeerGate(db, account.key)
  const sharing = owners.filter((each) => each.account?.key === account.key).map((each) => each.owner)
  const queue = handlers.find(({ name }) => name === crmHandler)
  if (queue !== undefined) await releaseHeldJobs(queue, new Set(sharing))
  return true
}
