import type { CrmProvider, CrmProviderDeps, CrmProviderKind } from '../crm-provider.ts'
import { fullBatches, writeInParts } from '../write-in-parts.ts'
import { createFieldCache } from './field-cache.ts'
import { createPersonFields, planPersonFields } from './person-fields.ts'
import { createPipedriveCalls, type PipedriveCalls } from './pipedrive-calls.ts'
import { readPipedriveContacts } from './read-persons.ts'
import { readPipedriveLimits } from './read-pipedrive-limits.ts'
import { writePerson } from './write-person.ts'

const writing = { label: 'Pipedrive', maxConcurrent: 4, maxCalls: 400 }
/** Each costs a search. */
const readMax = 10

/** Pipedrive, by version 2 of its API. */
export const pipedrive: CrmProviderKind = {
  name: 'pipedrive',
  label: 'Pipedrive',
  ownProperties:
    /^(id|name|first_name|last_name|emails?|phones?|label|label_ids|owner_id|org_id|org_name|add_time|update_time|visible_to|picture_id|postal_address|notes|im|birthday|job_title|marketing_status|doi_status|custom_fields|\w+_(deals|activities|email_messages|files|notes|followers)_count|(next|last)_(activity|incoming_mail|outgoing_mail)_\w+)$/,
  canArchive: true,
  // In tokens. A low plan, until answers tell the account's own limits.
  windows: [
    // Two seconds, and how long a call can be on its way: it counts when it arrives.
    { name: 'burst', ms: 2_050, limit: 80 },
    { name: 'search', ms: 2_050, limit: 10 },
    { name: 'day', ms: 86_400_000, limit: 30_000 },
  ],
  readLimits: readPipedriveLimits,
  authorise: (token) => ({ 'x-api-token': token.reveal() }),
  create: (_access, deps) => createPipedrive(createPipedriveCalls(deps.client), deps),
}

function createPipedrive(calls: PipedriveCalls, { now }: CrmProviderDeps): CrmProvider {
  const deps = { calls, fields: createFieldCache(calls, now), now }
  return {
    upsertMany(records, terms) {
      return writeInParts(fullBatches(records, 1), terms, {
        ...writing,
        now,
        write([record], signal) {
          if (record === undefined) throw new RangeError('a batch is never empty')
          return writePerson(record, { ...terms, signal }, deps)
        },
      })
    },
    planProperties: (properties, signal) => planPersonFields(properties, signal, calls),
    createProperties: (properties, signal) => createPersonFields(properties, signal, calls),
    readContacts: (emails, properties, signal) => readPipedriveContacts(emails, properties, signal, deps),
    readMax,
  }
}
