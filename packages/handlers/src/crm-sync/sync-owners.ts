import { crmOf, type CrmAccount, type CrmSettings, type OwnerCrm } from '@warmhook/crm/accounts/crm-settings'
import { done, type Outcome } from '@warmhook/queue/outcome'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { HandlerDeps } from '../handler.ts'
import type { OpenAccount } from '@warmhook/crm/accounts/open-accounts'
import { syncContacts } from './sync-contacts.ts'

export interface SyncOwnersDeps extends Pick<HandlerDeps, 'db' | 'fold' | 'now'> {
  readonly settings: CrmSettings
  readonly accountOf: (account: CrmAccount) => OpenAccount
}

/** Syncs the events of each account by themselves, so that one that refuses does not hold up the others. */
export async function syncOwners(
  events: readonly EventRef[],
  signal: AbortSignal,
  { db, fold, now, settings, accountOf }: SyncOwnersDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  const groups = [...Map.groupBy(events, ({ owner }) => groupOf(crmOf(settings, owner))).values()]
  const outcomes = await Promise.all(
    groups.map(async (group) => {
      const crm = group[0] && crmOf(settings, group[0].owner)
      if (crm === undefined) return new Map(group.map(({ id }) => [id, done('the owner has no CRM account')]))
      const { breaker, gate } = accountOf(crm.account)
      const { mode, onDelete } = crm
      const mappingOf = (owner: string) => (crmOf(settings, owner) ?? crm).mapping
      const deps = { db, fold, now, gate, breaker, account: crm.account.id, mode, onDelete, mappingOf }
      return syncContacts(group, signal, { ...deps, isShared: settings.isShared })
    }),
  )
  return new Map(outcomes.flatMap((each) => [...each]))
}

/** Owners of one account with the same terms are synced together. */
function groupOf(crm: OwnerCrm | undefined): string {
  return crm === undefined ? '' : [crm.account.key, crm.mode, crm.onDelete].join(' ')
}
