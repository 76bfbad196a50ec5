import type { CallCost } from '@warmhook/peer/budget/budget'
import type { CrmAnswer, CrmClient } from '../crm-client.ts'

/** The calls to Pipedrive that Warmhook makes, each one request. */
export interface PipedriveCalls {
  readonly search: (email: string, signal: AbortSignal) => Promise<CrmAnswer>
  /** `codes` are the custom fields to read. */
  readonly read: (id: string, codes: readonly string[], signal: AbortSignal) => Promise<CrmAnswer>
  readonly create: (person: NewPerson, signal: AbortSignal) => Promise<CrmAnswer>
  readonly update: (id: string, fields: CustomFields, signal: AbortSignal) => Promise<CrmAnswer>
  readonly remove: (id: string, signal: AbortSignal) => Promise<CrmAnswer>
  readonly listFields: (cursor: string | undefined, signal: AbortSignal) => Promise<CrmAnswer>
  readonly createField: (field: NewField, signal: AbortSignal) => Promise<CrmAnswer>
}

/** By field code. */
export type CustomFields = Readonly<Record<string, string | number | null>>

interface NewPerson {
  readonly name: string
  readonly emails: readonly { readonly value: string; readonly primary: boolean; readonly label: string }[]
  readonly custom_fields: CustomFields
}

interface NewField {
  readonly field_name: string
  readonly field_type: string
}

/** Pipedrive returns at most this many custom fields by code; without codes, it returns all. */
const maxCodes = 15
/** The longest page. */
const pageLimit = '500'

/** Creates the calls of an account. Their costs are those in Pipedrive's API reference. */
export function createPipedriveCalls(client: CrmClient): PipedriveCalls {
  return {
    search: (email, signal) => {
      const query = { term: email, fields: 'email', exact_match: 'true' }
      return client({ method: 'GET', path: '/persons/search', query, cost: { ...costOf(20), search: 1 }, signal })
    },
    read: (id, codes, signal) => {
      const query: Record<string, string> =
        codes.length > 0 && codes.length <= maxCodes ? { custom_fields: codes.join(',') } : {}
      return client({ method: 'GET', path: personPath(id), query, cost: costOf(1), signal })
    },
    create: (body, signal) => client({ method: 'POST', path: '/persons', body, cost: costOf(5), signal }),
    update: (id, fields, signal) => {
      const body = { custom_fields: fields }
      return client({ method: 'PATCH', path: personPath(id), body, cost: costOf(5), signal })
    },
    remove: (id, signal) => client({ method: 'DELETE', path: personPath(id), cost: costOf(3), signal }),
    listFields: (cursor, signal) => {
      const query = { limit: pageLimit, ...(cursor === undefined ? {} : { cursor }) }
      return client({ method: 'GET', path: '/personFields', query, cost: costOf(10), signal })
    },
    createField: (body, signal) => client({ method: 'POST', path: '/personFields', body, cost: costOf(5), signal }),
  }
}

/** A call counts once against the burst limit, and with its tokens against the day's. */
function costOf(tokens: number): CallCost {
  return { burst: 1, day: tokens }
}

function personPath(id: string): string {
  return `/persons/${encodeURIComponent(id)}`
}
