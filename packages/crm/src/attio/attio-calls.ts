import type { CrmAnswer, CrmClient } from '../crm-client.ts'

/** The calls to Attio that Warmhook makes, each one request. */
export interface AttioCalls {
  /** Updates the person with this address, or creates one. */
  readonly assert: (email: string, values: AttioValues, signal: AbortSignal) => Promise<CrmAnswer>
  readonly update: (recordId: string, values: AttioValues, signal: AbortSignal) => Promise<CrmAnswer>
  readonly findByEmail: (emails: readonly string[], signal: AbortSignal) => Promise<CrmAnswer>
  readonly listAttributes: (page: AttributePage, signal: AbortSignal) => Promise<CrmAnswer>
  readonly createAttribute: (attribute: object, signal: AbortSignal) => Promise<CrmAnswer>
}

/** How to call an account. */
export interface AttioDeps {
  readonly calls: AttioCalls
  readonly now: () => number
}

/** By attribute slug; an empty list clears the attribute. */
export type AttioValues = Readonly<Record<string, readonly (string | number)[]>>

interface AttributePage {
  readonly limit: number
  readonly offset: number
}

// Attio counts queries as reads, although they are POST requests.
const read = { reads: 1 }
const write = { writes: 1 }

const records = '/v2/objects/people/records'
const attributes = '/v2/objects/people/attributes'

export function createAttioCalls(client: CrmClient): AttioCalls {
  return {
    assert: (email, values, signal) =>
      client({
        method: 'PUT',
        path: records,
        query: { matching_attribute: 'email_addresses' },
        // Values of the matching attribute are added, so a person's other addresses stay.
        body: { data: { values: { email_addresses: [email], ...values } } },
        cost: write,
        signal,
      }),
    update: (recordId, values, signal) =>
      client({
        method: 'PATCH',
        path: `${records}/${encodeURIComponent(recordId)}`,
        body: { data: { values } },
        cost: write,
        signal,
      }),
    findByEmail: (emails, signal) => {
      const filter = { $or: emails.map((email) => ({ email_addresses: { email_address: { $eq: email } } })) }
      // An address is unique among people.
      const body = { filter, limit: emails.length }
      return client({ method: 'POST', path: `${records}/query`, body, cost: read, signal })
    },
    listAttributes: ({ limit, offset }, signal) => {
      const query = { limit: String(limit), offset: String(offset), show_archived: 'true' }
      return client({ method: 'GET', path: attributes, query, cost: read, signal })
    },
    createAttribute: (data, signal) =>
      client({ method: 'POST', path: attributes, body: { data }, cost: write, signal }),
  }
}
