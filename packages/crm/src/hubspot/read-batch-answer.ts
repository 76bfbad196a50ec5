import { z } from 'zod'
import type { ContactRecord } from '../crm-provider.ts'

// HubSpot's own examples do not match its schemas, and fields can be null: unreadable fields count as absent.
const text = z.string().optional().catch(undefined)
const rows = z.array(z.unknown()).nullish().catch(undefined)
const BatchAnswer = z.object({ results: rows, errors: rows })
const Written = z.object({
  id: text,
  objectWriteTraceId: text,
  properties: z.object({ email: text }).catch({ email: undefined }),
})

/** What an answer says about the contacts of its call. */
export interface BatchAnswer {
  /** The CRM's ids by trace id; null if unknown. */
  readonly written: ReadonlyMap<string, string | null>
  /** Error rows, by trace id. */
  readonly failed: ReadonlyMap<string, unknown>
  /** Error rows that name no contact of the call. */
  readonly nameless: readonly unknown[]
}

/**
 * Matches an answer to the records by trace id, or else by e-mail, because results come in any order. A record that the
 * answer does not mention is in neither map: a 2xx may have written nothing. `ids` are the ids that were sent, by e-mail,
 * if not the e-mails themselves. Returns undefined if the answer is not from HubSpot.
 */
export function readBatchAnswer(
  records: readonly ContactRecord[],
  body: unknown,
  ids: ReadonlyMap<string, string>,
): BatchAnswer | undefined {
  const answer = BatchAnswer.safeParse(body).data
  if (answer === undefined || (answer.results === undefined && answer.errors === undefined)) return undefined
  const traceIds = new Map(
    records.flatMap(({ email, traceId }) => [email, ids.get(email) ?? traceId, traceId].map((name) => [name, traceId])),
  )
  const { written, unnamed } = readWritten(answer.results ?? [], traceIds)
  const failed = new Map<string, unknown>()
  const nameless: unknown[] = []
  for (const row of answer.errors ?? []) {
    const named = namesIn(row).flatMap((name) => traceIds.get(name.toLowerCase()) ?? traceIds.get(name) ?? [])
    if (named.length === 0) nameless.push(row)
    for (const traceId of named) failed.set(traceId, row)
  }
  // HubSpot may match a contact by its secondary address, or return only ids: if the counts match, all were written.
  const unmatched = records.filter(({ traceId }) => !written.has(traceId) && !failed.has(traceId))
  if (unmatched.length === unnamed) for (const { traceId } of unmatched) written.set(traceId, null)
  return { written, failed, nameless }
}

function readWritten(results: readonly unknown[], traceIds: ReadonlyMap<string, string>) {
  const written = new Map<string, string | null>()
  let unnamed = 0
  for (const result of results) {
    const row = Written.safeParse(result).data
    if (row === undefined) continue
    const traceId =
      traceIds.get(row.objectWriteTraceId ?? '') ??
      traceIds.get(row.properties.email?.toLowerCase() ?? '') ??
      traceIds.get(row.id ?? '')
    if (traceId === undefined) unnamed += 1
    else written.set(traceId, row.id ?? null)
  }
  return { written, unnamed }
}

/** The contacts that an error row names: by trace id, or by the id that was sent, as in HubSpot's own examples. */
function namesIn(row: unknown): readonly string[] {
  const { id, context } = Failed.safeParse(row).data ?? noNames
  const { objectWriteTraceId, ids, id: contextId } = context
  return [id, objectWriteTraceId, ids, contextId].flat().filter((name) => name !== undefined)
}

const names = z
  .union([z.string(), z.array(z.string())])
  .optional()
  .catch(undefined)
const Context = z.object({ objectWriteTraceId: names, ids: names, id: names })
const noContext = { objectWriteTraceId: undefined, ids: undefined, id: undefined }
const Failed = z.object({ id: names, context: Context.catch(noContext) })
const noNames = { id: undefined, context: noContext }
