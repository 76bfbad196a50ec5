import { fields } from '@warmhook/config/fields'
import { EventType } from '@warmhook/schema/mailbox-event'
import { defineHandler } from '../handler.ts'
import { createPeerGate } from '../peer/create-peer-gate.ts'
import { createHubspotProvider } from './hubspot/hubspot-provider.ts'
import { syncContacts } from './sync-contacts.ts'

/** Time limit for calls, so that their results are recorded within the handler's timeout. */
const callsMs = 16_000

/** Keeps the CRM contact of each mailbox up to date. Disabled without HUBSPOT_ACCESS_TOKEN. */
export const crmSync = defineHandler({
  name: 'crm-sync',
  subscribes: EventType.options,
  // 400: four concurrent calls to HubSpot.
  // A CRM can be down for a day: retries last for about three days. Events are held while the account refuses calls.
  policy: {
    batchMax: 400,
    overlap: 'any batch',
    attempts: 80,
    firstDelayMs: 250,
    maxDelayMs: 3_600_000,
    timeoutMs: 20_000,
  },
  env: {
    CRM_PROVIDER: fields.CRM_PROVIDER,
    HUBSPOT_ACCESS_TOKEN: fields.HUBSPOT_ACCESS_TOKEN.optional(),
    HUBSPOT_BASE_URL: fields.HUBSPOT_BASE_URL,
    HUBSPOT_API_VERSION: fields.HUBSPOT_API_VERSION,
    CRM_SHARED_BY_OWNERS: fields.CRM_SHARED_BY_OWNERS,
  },
  create: (env, { db, fold, log, now }) => {
    const token = env.HUBSPOT_ACCESS_TOKEN
    if (token === undefined) return undefined
    const provider = createHubspotProvider({
      baseUrl: env.HUBSPOT_BASE_URL,
      version: env.HUBSPOT_API_VERSION,
      token,
      now,
    })
    const account = { key: provider.accountKey, peer: provider.name, calls: 'together', turnMs: 25_000 } as const
    const gate = createPeerGate(account, { db, log, now })
    const deps = { db, fold, gate, provider, isShared: env.CRM_SHARED_BY_OWNERS, now }
    return (events, signal) => syncContacts(events, AbortSignal.any([signal, AbortSignal.timeout(callsMs)]), deps)
  },
})
