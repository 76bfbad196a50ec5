import type { ContactRecord, CrmProvider, CrmProviderDeps, CrmProviderKind } from '../crm-provider.ts'
import { fullBatches, writeInParts } from '../write-in-parts.ts'
import { createAttributes, planAttributes } from './attio-attributes.ts'
import { createAttioCalls, type AttioCalls } from './attio-calls.ts'
import { readAttioContacts } from './read-people.ts'
import { assertPerson, updatePerson } from './write-person.ts'

/** Attio takes one person per call, 25 of them a second: more at once would only wait for the budget. */
const writing = { label: 'Attio', maxConcurrent: 4, maxCalls: 400 }
const readMax = 20

/** Attio, by its assert of people (`PUT /v2/objects/people/records`). */
export const attio: CrmProviderKind = {
  name: 'attio',
  label: 'Attio',
  ownProperties:
    /^(record_id|name|email_addresses|description|company|job_title|avatar_url|phone_numbers|primary_location|angellist|facebook|instagram|linkedin|twitter|twitter_follower_count|created_at|created_by|associated_(deals|users)|(first|last|next)_(calendar|email)_interaction|(first|last|next)_interaction|strongest_connection_\w+)$/,
  // A deleted record can't be restored.
  canArchive: false,
  // Attio's guide on rate limiting. Its answers do not tell what is left.
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
      const write = terms.mode === 'upsert' ? assertPerson : updatePerson
      const writeOne = ([record]: readonly ContactRecord[], signal: AbortSignal) => {
        if (record === undefined) throw new RangeError('a batch is never empty')
        return write(record, signal, deps)
      }
      return writeInParts(fullBatches(records, 1), terms, { ...writing, now, write: writeOne })
    },
    planProperties: (properties, signal) => planAttributes(properties, signal, calls),
    createProperties: (properties, signal) => createAttributes(properties, signal, calls),
    readContacts: (emails, properties, signal) => readAttioContacts(emails, properties, signal, calls),
    readMax,
  }
}
