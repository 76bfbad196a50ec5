import { announceCrmOwners } from '@warmhook/store/crm-accounts/crm-owners'
import { readCrmSettings } from '@warmhook/crm/accounts/read-crm-settings'
import { crmOf, hasCrm, ownersOf, type CrmAccount, type CrmSettings } from '@warmhook/crm/accounts/crm-settings'
import { openAccounts } from '@warmhook/crm/accounts/open-accounts'
import { crmProviders } from '@warmhook/crm/providers'
import type { Secret } from '@warmhook/config/secret'
import { EventType } from '@warmhook/schema/mailbox-event'
import { sources } from '@warmhook/schema/sources'
import { defineHandler } from '../handler.ts'
import { createRefusalAnnouncer, type RefusingAccount } from '../notify/announce-refusal.ts'
import { readSlackUrl } from '../notify/read-slack-url.ts'
import { syncOwners } from './sync-owners.ts'

/** Time limit for calls, so that their results are recorded within the handler's timeout. */
const callsMs = 16_000

interface CrmSyncSettings {
  readonly crm: CrmSettings
  /** The Slack channel for refusals; undefined: they are only logged and shown. */
  readonly slackUrl: Secret | undefined
}

/** Keeps the CRM contact of each mailbox up to date. Disabled without an account. */
export const crmSync = defineHandler<CrmSyncSettings>({
  name: 'crm-sync',
  subscribes: EventType.options,
  // Far more events than one call carries: while calls are what is scarce, each should carry as many contacts as it can.
  // A CRM can be down for a day: retries last for about three days. Events are held while the account refuses calls.
  policy: {
    batchMax: 2_000,
    overlap: 'any batch',
    gather: { maxMs: 50, enough: 32 },
    attempts: 80,
    firstDelayMs: 250,
    maxDelayMs: 3_600_000,
    timeoutMs: 20_000,
  },
  parse(env) {
    const crm = readCrmSettings(env, [...sources.keys()])
    return hasCrm(crm) ? { crm, slackUrl: readSlackUrl(env) } : undefined
  },
  create({ crm, slackUrl }, deps) {
    const announce = slackUrl && createRefusalAnnouncer(slackUrl, deps)
    const accountOf = openAccounts({
      ...deps,
      onLastingRefusal: async (account, refusal) => announce?.(describeAccount(account, crm), refusal),
    })
    return (events, signal) =>
      syncOwners(events, AbortSignal.any([signal, AbortSignal.timeout(callsMs)]), { ...deps, settings: crm, accountOf })
  },
  announce: ({ crm }, db) =>
    announceCrmOwners(
      db,
      ownersOf(crm).map((owner) => {
        const own = crmOf(crm, owner)
        return { owner, account: own && { ...own.account, mode: own.mode } }
      }),
    ),
})

function describeAccount({ key, provider }: CrmAccount, crm: CrmSettings): RefusingAccount {
  const owners = crm.owners.filter((owner) => crmOf(crm, owner)?.account.key === key)
  return { label: crmProviders[provider].label, owners }
}
