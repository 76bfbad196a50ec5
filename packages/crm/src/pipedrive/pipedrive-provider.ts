import type { CrmProvider, CrmProviderDeps, CrmProviderKind } from '../crm-provider.ts'
import { writeOneByOne } from '../write-one-by-one.ts'
import { createPersonFields } from './person-fields.ts'
import { createPipedriveCalls } from './pipedrive-calls.ts'
import { createPipedriveProperties, planPipedriveProperties } from './pipedrive-properties.ts'
import { readPipedriveContacts } from './read-pipedrive-contacts.ts'
import { readPipedriveLimits } from './read-pipedrive-limits.ts'
import { archivePipedriveContact, writePipedriveContact } from './write-pipedrive-contact.ts'

/** A write is one to four requests, and Pipedrive allows 20 in two seconds on its lowest plan. */
const writing = { label: 'Pipedrive', maxConcurrent: 4, maxCalls: 64 }
/** Reading a contact takes two requests. */
const readMax = 10

/** Pipedrive, by version 2 of its API, in which each person is written separately. */
export const pipedrive: CrmProviderKind = {
  name: 'pipedrive',
  label: 'Pipedrive',
  ownProperties:
    /^(id|name|first_name|last_name|emails?|phones?|org_id|owner_id|company_id|labels?|label_ids|(add|update|delete)_time|visible_to|picture_id|postal_address(_\w+)?|notes|im|birthday|job_title|marketing_status|doi_status|smart_bcc_email|cc_email|is_deleted|active_flag|custom_fields|(next|last)_activity_\w+|last_(incoming|outgoing)_mail_time|(email_messages|files|notes|followers|participants|(\w+_)?(activities|deals))_count)$/,
  canArchive: true,
  // Slightly more than two seconds: a call counts when it arrives, not when it was granted.
  // The lowest plan with one seat; answers tell the account's own limits. The day's are tokens, the others requests.
  windows: [
    { name: 'burst', ms: 2_050, limit: 20 },
    { name: 'search', ms: 2_050, limit: 10 },
    { name: 'day', ms: 86_400_000, limit: 30_000 },
  ],
  readLimits: readPipedriveLimits,
  authorise: (token) => ({ 'x-api-token': token.reveal() }),
  create: (_access, deps) => createPipedrive(deps),
}

function createPipedrive({ client, now }: CrmProviderDeps): CrmProvider {
  const calls = createPipedriveCalls(client)
  const deps = { calls, fields: createPersonFields({ calls, now }), now }
  return {
    upsertMany: (records, terms) =>
      writeOneByOne(records, terms, {
        ...writing,
        now,
        writeOne: (record, signal) =>
          terms.archives && record.isRemoved
            ? archivePipedriveContact(record, signal, deps)
            : writePipedriveContact(record, { mode: terms.mode, signal }, deps),
      }),
    planProperties: (properties, signal) => planPipedriveProperties(properties, signal, deps),
    createProperties: (properties, signal) => createPipedriveProperties(properties, signal, deps),
    readContacts: (emails, properties, signal) => readPipedriveContacts(emails, properties, signal, deps),
    readMax,
  }
}
