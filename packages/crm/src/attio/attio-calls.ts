import type { CrmAnswer, CrmClient } from '../crm-client.ts'

/** The calls to Attio that Warmhook makes, each one request. */
export interface AttioCalls {
  /** Creates the person with this address, or updates the values of the one that has it. */
  readonly assertPerson: (values: AttioValues, signal: AbortSignal) => Promise<CrmAnswer>
  readonly updatePerson: (id: string, values: AttioValues, signal: AbortSignal) => Promise<CrmAnswer>
  readonly findPeople: (emails: readonly string[], signal: AbortSignal) => Promise<CrmAnswer>
  readonly listAttributes: (offset: number, signal: AbortSignal) => Promise<CrmAnswer>
  readonly createAttribute: (attribute: object, signal: AbortSignal) => Promise<CrmAnswer>
}

/** By attribute slug; an empty list clears. */
export type AttioValues = Readonly<Record<string, readonly (string | number)[]>>

export const attributesPerPage = 100

const people = '/v2/objects/people'
const read = { reads: 1 }
const write = { writes: 1 }

export function createAttioCalls(client: CrmClient): AttioCalls {
  return {
    assertPerson: (values, signal) =>
      client({
        method: 'PUT',
        path: `${people}/records`,
        query: { matching_attribute: 'email_addresses' },
        body: { data: { values } },
        cost: write,
        signal,
      }),
    updatePerson: (id, values, signal) =>
      client({
        method: 'PATCH',
        path: `${people}/records/${encodeURIComponent(id)}`,
        body: { data: { values } },
        cost: write,
        signal,
      }),
    findPeople: (emails, signal) =>
      client({
        method: 'POST',
        path: `${people}/records/query`,
        body: { filter: { $or: emails.map((email) => ({ email_addresses: email })) }, limit: 2 * emails.length },
        cost: read,
        signal,
      }),
    listAttributes: (offset, signal) =>
      client({
        method: 'GET',
        path: `${people}/attributes`,
        query: { limit: String(attributesPerPage), offset: String(offset), show_archived: 'true' },
        cost: read,
        signal,
      }),
    createAttribute: (attribute, signal) =>
      client({ method: 'POST', path: `${people}/attributes`, body: { data: attribute }, cost: write, signal }),
  }
}
