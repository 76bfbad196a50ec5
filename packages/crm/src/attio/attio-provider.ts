import type { CrmProvider, CrmProviderDeps, CrmProviderKind } from '../crm-provider.ts'
import { writeOneByOne } from '../write-one-by-one.ts'
import { createAttioAttributes, planAttioAttributes } from './attio-attributes.ts'
import { createAttioCalls, type AttioCalls } from './attio-calls.ts'
import { readAttioContacts } from './read-attio-contacts.ts'
import { updateContact, upsertContact } from './write-attio-contact.ts'

/** 100 calls take four seconds at Attio's limit for writes. */
const writing = { label: 'Attio', maxConcurrent: 4, maxCalls: 100 }

/** Attio has no documented length of a filter; this one stays small. */
const readMax = 20

/**
 * Attio's people, by its REST API (`/v2/objects/people/…`). Property names are attribute slugs. Attio can't archive
 * people, only delete them for good, so the person of a removed mailbox is kept and shows that it is removed.
 */
export const attio: CrmProviderKind = {
  name: 'attio',
  label: 'Attio',
  ownProperties:
    /^((first|last|next)_(\w+_)?interaction|strongest_connection_\w+|associated_\w+|(record_id|name|email_addresses|description|company|job_title|avatar_url|phone_numbers|primary_location|angellist|facebook|instagram|linkedin|twitter|twitter_follower_count|created_at|created_by)$)/,
  canArchive: false,
  // The same for all plans; answers do not tell limits.
  windows: [
    { name: 'writes', ms: 1_000, limit: 25 },
    { name: 'reads', ms: 1_000, limit: 100 },
  ],
  readLimits: () => [],
  authorise: (token) => ({ authorization: `Bearer ${token.reveal()}` }),
  create: (_access, deps) => createAttio(createAttioCalls(deps.client), deps),
}

function createAttio(calls: AttioCalls, { now }: CrmProviderDeps): CrmProvider {
  const deps = { calls, now }
  return {
    upsertMany(records, terms) {
      const writeOne = terms.mode === 'upsert' ? upsertContact : updateContact
      return writeOneByOne(records, terms, {
        ...writing,
        now,
        writeOne: (record, signal) => writeOne(record, signal, deps),
      })
    },
    planProperties: (properties, signal) => planAttioAttributes(properties, signal, deps),
    createProperties: (properties, signal) => createAttioAttributes(properties, signal, deps),
    readContacts: (emails, properties, signal) => readAttioContacts(emails, properties, signal, deps),
    readMax,
  }
}
