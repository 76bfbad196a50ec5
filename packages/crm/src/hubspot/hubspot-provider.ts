import type { ContactRecord, CrmProvider, CrmProviderDeps, CrmProviderKind, UpsertTerms } from '../crm-provider.ts'
import { writeFullBatches, writeInParts } from '../write-in-parts.ts'
import { createHubspotCalls, type HubspotCalls } from './hubspot-calls.ts'
import { createHubspotProperties, planHubspotProperties } from './hubspot-properties.ts'
import { readHubspotContacts } from './read-hubspot-contacts.ts'
import { readHubspotLimits } from './read-hubspot-limits.ts'
import { archiveContacts, updateContacts, upsertContacts } from './write-hubspot-contacts.ts'

/** HubSpot accepts 100 contacts per call (CRM contacts API). */
const maxBatch = 100
const writing = { label: 'HubSpot', maxConcurrent: 4, maxCalls: 64 }

/** HubSpot, by the dated paths of its CRM API (`/crm/objects/2026-09/…`). */
export const hubspot: CrmProviderKind = {
  name: 'hubspot',
  label: 'HubSpot',
  ownProperties:
    /^(hs_|hubspot_|ip_|notes_|num_|first_|recent_|total_|(email|firstname|lastname|phone|mobilephone|fax|company|website|jobtitle|lifecyclestage|address|city|state|zip|country|createdate|lastmodifieddate|closedate|salutation|industry|message|date_of_birth|annualrevenue|numemployees|associatedcompanyid)$)/,
  canArchive: true,
  // The lowest plan, in the usage guidelines of 2026; answers tell the account's own limits.
  windows: [
    // Longer than ten seconds, because a call counts when it arrives, not when it was granted.
    { name: '10 s', ms: 10_300, limit: 100 },
    { name: 'day', ms: 86_400_000, limit: 250_000 },
  ],
  readLimits: readHubspotLimits,
  authorise: (token) => ({ authorization: `Bearer ${token.reveal()}` }),
  create: ({ version = '2026-09' }, deps) => createHubspot(createHubspotCalls(version, deps.client), deps),
}

function createHubspot(calls: HubspotCalls, { now, scarceForMs }: CrmProviderDeps): CrmProvider {
  const deps = { calls, now }
  const write = (records: readonly ContactRecord[], terms: UpsertTerms, how: typeof upsertContacts) =>
    writeFullBatches(records, maxBatch, scarceForMs(), (batches) =>
      writeInParts(batches, terms, { ...writing, now, write: (batch, signal) => how(batch, signal, deps) }),
    )
  return {
    async upsertMany(records, terms) {
      const toArchive = terms.archives ? records.filter(({ isRemoved }) => isRemoved) : []
      const toWrite = terms.archives ? records.filter(({ isRemoved }) => !isRemoved) : records
      const results = await write(toWrite, terms, terms.mode === 'upsert' ? upsertContacts : updateContacts)
      if (toArchive.length === 0) return results
      return new Map([...results, ...(await write(toArchive, terms, archiveContacts))])
    },
    planProperties: (properties, signal) => planHubspotProperties(properties, signal, deps),
    createProperties: (properties, signal) => createHubspotProperties(properties, signal, deps),
    readContacts: (emails, properties, signal) => readHubspotContacts(emails, properties, signal, deps),
    readMax: maxBatch,
  }
}
