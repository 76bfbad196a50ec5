import { isSuccess, type CrmAnswer } from '../crm-client.ts'
import type { ContactRecord } from '../crm-provider.ts'
import type { PartAnswer, RowResult } from '../write-in-parts.ts'
import { classifyAnswer, classifyRow } from './classify-answer.ts'
import type { HubspotCalls, HubspotDeps } from './hubspot-calls.ts'
import { readBatchAnswer } from './read-batch-answer.ts'
import { readFoundContacts } from './read-hubspot-contacts.ts'
import { parseBody } from '../parse-body.ts'
import { toHubspotProperties } from './to-hubspot-value.ts'

type Records = readonly ContactRecord[]

/** Creates or updates contacts by e-mail, in one call. */
export async function upsertContacts(
  records: Records,
  signal: AbortSignal,
  { calls, now }: HubspotDeps,
): Promise<PartAnswer> {
  const answer = await calls.upsert(
    records.map(({ email, traceId, values }) => ({
      id: email,
      idProperty: 'email',
      objectWriteTraceId: traceId,
      properties: { email, ...toHubspotProperties(values) },
    })),
    signal,
  )
  return toPartAnswer(records, answer, now())
}

/** Updates the contacts that exist, in two calls: HubSpot updates batches by its own ids only. */
export function updateContacts(records: Records, signal: AbortSignal, deps: HubspotDeps): Promise<PartAnswer> {
  return writeExisting(records, signal, deps, async (known, ids) => {
    const inputs = known.map(({ email, traceId, values }) => ({
      id: ids.get(email) ?? email,
      objectWriteTraceId: traceId,
      properties: toHubspotProperties(values),
    }))
    return toPartAnswer(known, await deps.calls.update(inputs, signal), deps.now(), ids)
  })
}

/** Archives the contacts that exist. They can be restored in HubSpot for 90 days. */
export function archiveContacts(records: Records, signal: AbortSignal, deps: HubspotDeps): Promise<PartAnswer> {
  return writeExisting(records, signal, deps, async (known, ids) => {
    const answer = await deps.calls.archive([...new Set(known.map(({ email }) => ids.get(email) ?? ''))], signal)
    if (!isSuccess(answer)) return { isWhole: true, answerClass: classifyAnswer(answer, deps.now()) }
    const rows = known.map(({ email, traceId }) => [traceId, toWritten(ids.get(email))] as const)
    return { isWhole: false, rows: new Map(rows) }
  })
}

/** Looks contacts up, writes those that exist, and skips the others. */
async function writeExisting(
  records: Records,
  signal: AbortSignal,
  { calls, now }: HubspotDeps,
  write: (known: Records, ids: ReadonlyMap<string, string>) => Promise<PartAnswer>,
): Promise<PartAnswer> {
  const found = await find(records, signal, calls)
  if (found.answer !== undefined) return { isWhole: true, answerClass: classifyAnswer(found.answer, now()) }
  const known = records.filter(({ email }) => found.ids.has(email))
  const skipped = skip(records, found.ids)
  if (known.length === 0) return { isWhole: false, rows: skipped }
  return withRows(await write(known, found.ids), skipped)
}

type Found = { readonly ids: ReadonlyMap<string, string>; readonly answer?: undefined } | { readonly answer: CrmAnswer }

async function find(records: Records, signal: AbortSignal, calls: HubspotCalls): Promise<Found> {
  const answer = await calls.readByEmail(
    records.map(({ email }) => email),
    [],
    signal,
  )
  const contacts = readFoundContacts(answer)
  if (contacts === undefined) return { answer }
  return { ids: new Map([...contacts].map(([email, { remoteId }]) => [email, remoteId])) }
}

function skip(records: Records, ids: ReadonlyMap<string, string>): ReadonlyMap<string, RowResult> {
  const reason = 'HubSpot has no contact with this address'
  return new Map(
    records.filter(({ email }) => !ids.has(email)).map(({ traceId }) => [traceId, { status: 'skipped', reason }]),
  )
}

/** Adds rows that were settled before the call. If the call failed as a whole, they wait for the next one. */
function withRows(answer: PartAnswer, rows: ReadonlyMap<string, RowResult>): PartAnswer {
  return answer.isWhole ? answer : { ...answer, rows: new Map([...rows, ...answer.rows]) }
}

function toPartAnswer(
  records: Records,
  answer: CrmAnswer,
  now: number,
  ids: ReadonlyMap<string, string> = noIds,
): PartAnswer {
  const read = isSuccess(answer) ? readBatchAnswer(records, parseBody(answer.body), ids) : undefined
  if (read === undefined) return { isWhole: true, answerClass: classifyAnswer(answer, now) }
  const rows = new Map<string, RowResult>()
  for (const [traceId, row] of read.failed) rows.set(traceId, { status: 'failed', answerClass: classifyRow(row) })
  for (const [traceId, remoteId] of read.written) rows.set(traceId, toWritten(remoteId))
  const [nameless] = read.nameless
  return nameless === undefined ? { isWhole: false, rows } : { isWhole: false, rows, nameless: classifyRow(nameless) }
}

const noIds: ReadonlyMap<string, string> = new Map()

function toWritten(remoteId: string | null | undefined): RowResult {
  return { status: 'written', remoteId: remoteId ?? null }
}
