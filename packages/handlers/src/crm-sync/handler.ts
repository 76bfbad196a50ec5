import { fields } from '@warmhook/config/fields'
import { EventType } from '@warmhook/schema/mailbox-event'
import { defineHandler } from '../handler.ts'
import { createHubspotProvider } from './hubspot/hubspot-provider.ts'
import { syncContacts } from './sync-contacts.ts'

/** Keeps the CRM's contact of each mailbox true. Off without HUBSPOT_ACCESS_TOKEN. */
export const crmSync = defineHandler({
  name: 'crm-sync',
  subscribes: EventType.options,
  // 400: four calls of HubSpot's side by side.
  // A CRM can be away for a day, or its token wrong for one: about three days until an event is given up.
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
    HUBSPOT_ACCESS_TOKEN: fields.HUBSPOT_ACCESS_TOKEN.refine(
      (token) => /^[\x21-\x7e]+$/.test(token.reveal()),
      'must be one word of ASCII characters',
    ).optional(),
    HUBSPOT_BASE_URL: fields.HUBSPOT_BASE_URL,
    HUBSPOT_API_VERSION: fields.HUBSPOT_API_VERSION,
  },
  create: (env, { db, fold, now }) => {
    const token = env.HUBSPOT_ACCESS_TOKEN
    if (token === undefined) return undefined
    const provider = createHubspotProvider({
      baseUrl: env.HUBSPOT_BASE_URL,
      version: env.HUBSPOT_API_VERSION,
      token,
      now,
    })
    return (events, signal) => syncContacts(events, signal, { db, fold, provider })
  },
})
