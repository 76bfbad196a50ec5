import type { CrmAnswer, CrmClient, CrmRequest } from '../crm-client.ts'

/** The calls to Pipedrive that Warmhook makes, each one request. */
export interface PipedriveCalls {
  readonly search: (email: string, signal: AbortSignal) => Promise<CrmAnswer>
  readonly get: (id: string, signal: AbortSignal) => Promise<CrmAnswer>
  readonly create: (person: NewPerson, signal: AbortSignal) => Promise<CrmAnswer>
  readonly update: (id: string, customFields: CustomFields, signal: AbortSignal) => Promise<CrmAnswer>
  /** Deleted persons can be restored for 30 days. */
  readonly remove: (id: string, signal: AbortSignal) => Promise<CrmAnswer>
  readonly listFields: (cursor: string | undefined, signal: AbortSignal) => Promise<CrmAnswer>
  readonly createField: (name: string, type: string, signal: AbortSignal) => Promise<CrmAnswer>
}

interface NewPerson {
  readonly name: string
  readonly email: string
  readonly customFields: CustomFields
}

/** By field code; null clears. */
export type CustomFields = Readonly<Record<string, string | number | null>>

const fieldsPerPage = 500
/** Enough to see that several persons have one address. */
const searchLimit = 20

/** Costs in tokens are those of the vendor's API reference (version 2). */
export function createPipedriveCalls(client: CrmClient): PipedriveCalls {
  const call = (tokens: number, request: Omit<CrmRequest, 'cost'>, search = 0) =>
    client({ ...request, cost: { burst: tokens, day: tokens, search } })
  const person = (id: string) => `/persons/${encodeURIComponent(id)}`
  return {
    search: (email, signal) => {
      const query = { term: email, fields: 'email', exact_match: 'true', limit: String(searchLimit) }
      return call(20, { method: 'GET', path: '/persons/search', query, signal }, 1)
    },
    get: (id, signal) => call(1, { method: 'GET', path: person(id), signal }),
    create: ({ name, email, customFields }, signal) => {
      const emails = [{ value: email, primary: true, label: 'work' }]
      return call(5, { method: 'POST', path: '/persons', body: { name, emails, custom_fields: customFields }, signal })
    },
    update: (id, customFields, signal) =>
      call(5, { method: 'PATCH', path: person(id), body: { custom_fields: customFields }, signal }),
    remove: (id, signal) => call(3, { method: 'DELETE', path: person(id), signal }),
    listFields: (cursor, signal) => {
      const query = { limit: String(fieldsPerPage), ...(cursor === undefined ? {} : { cursor }) }
      return call(10, { method: 'GET', path: '/personFields', query, signal })
    },
    createField: (name, type, signal) =>
      call(5, { method: 'POST', path: '/personFields', body: { field_name: name, field_type: type }, signal }),
  }
}
