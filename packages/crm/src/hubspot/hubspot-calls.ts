import type { CrmAnswer, CrmClient } from '../crm-client.ts'

/** The calls to HubSpot that Warmhook makes, each one request. */
export interface HubspotCalls {
  readonly upsert: (inputs: readonly UpsertInput[], signal: AbortSignal) => Promise<CrmAnswer>
  readonly update: (inputs: readonly UpdateInput[], signal: AbortSignal) => Promise<CrmAnswer>
  readonly archive: (ids: readonly string[], signal: AbortSignal) => Promise<CrmAnswer>
  readonly readByEmail: (
    emails: readonly string[],
    properties: readonly string[],
    signal: AbortSignal,
  ) => Promise<CrmAnswer>
  readonly listProperties: (signal: AbortSignal) => Promise<CrmAnswer>
  readonly createGroup: (group: object, signal: AbortSignal) => Promise<CrmAnswer>
  readonly createProperties: (inputs: readonly object[], signal: AbortSignal) => Promise<CrmAnswer>
}

/** How to call an account. */
export interface HubspotDeps {
  readonly calls: HubspotCalls
  readonly now: () => number
}

interface UpsertInput {
  readonly id: string
  readonly idProperty: 'email'
  readonly objectWriteTraceId: string
  readonly properties: Readonly<Record<string, string>>
}

interface UpdateInput {
  readonly id: string
  readonly objectWriteTraceId: string
  readonly properties: Readonly<Record<string, string>>
}

/** Each call counts once against both of HubSpot's limits. */
const cost = { '10 s': 1, day: 1 }

export function createHubspotCalls(version: string, client: CrmClient): HubspotCalls {
  const contacts = `/crm/objects/${version}/contacts/batch`
  const properties = `/crm/properties/${version}/contacts`
  const post = (path: string, body: object, signal: AbortSignal) => client({ method: 'POST', path, body, cost, signal })
  return {
    upsert: (inputs, signal) => post(`${contacts}/upsert`, { inputs }, signal),
    update: (inputs, signal) => post(`${contacts}/update`, { inputs }, signal),
    archive: (ids, signal) => post(`${contacts}/archive`, { inputs: ids.map((id) => ({ id })) }, signal),
    readByEmail: (emails, names, signal) =>
      post(
        `${contacts}/read`,
        {
          idProperty: 'email',
          // HubSpot finds a contact by its secondary addresses, too, and answers with the primary one.
          properties: ['email', 'hs_additional_emails', ...names],
          propertiesWithHistory: [],
          inputs: emails.map((id) => ({ id })),
        },
        signal,
      ),
    listProperties: (signal) => client({ method: 'GET', path: properties, cost, signal }),
    createGroup: (group, signal) => post(`${properties}/groups`, group, signal),
    createProperties: (inputs, signal) => post(`${properties}/batch/create`, { inputs }, signal),
  }
}
