import { z } from 'zod'
import type { ContactRecord, ContactResult } from '../crm-provider.ts'
import { vendorText } from './vendor-text.ts'

// HubSpot's own examples do not fit its schemas, and fields can be null: what can't be read counts as absent.
const text = z.string().optional().catch(undefined)
const BatchAnswer = z.object({
  results: z.array(z.unknown()).catch([]),
  errors: z.array(z.unknown()).catch([]),
})
const Written = z.object({
  id: text,
  objectWriteTraceId: text,
  properties: z.object({ email: text }).catch({ email: undefined }),
})
const Failed = z.object({
  category: text,
  message: text,
  context: z.object({ objectWriteTraceId: z.array(z.string()).catch([]) }).catch({ objectWriteTraceId: [] }),
})

/** Categories of faults that pass; all others are the contact's own. */
const passing = new Set(['RATE_LIMITS', 'RATE_LIMIT', 'INTERNAL_ERROR', 'TIMEOUT', 'CONFLICT', 'OBJECT_LOCKED'])

/**
 * Matches an answer to the records: by trace id, else by e-mail, because results come in any order. A record that the
 * answer does not mention has no result: a 2xx can have written nothing.
 */
export function readBatchAnswer(records: readonly ContactRecord[], body: string): ReadonlyMap<string, ContactResult> {
  const { results = [], errors = [] } = BatchAnswer.safeParse(parseJson(body)).data ?? {}
  const matched = new Map<string, ContactResult>()
  const nameless: ContactResult[] = []
  const traceIds = new Map(records.flatMap(({ email, traceId }) => [[email, traceId] as const, [traceId, traceId]]))
  for (const { id, objectWriteTraceId, properties } of readEach(Written, results)) {
    const traceId = traceIds.get(objectWriteTraceId ?? '') ?? traceIds.get(properties.email?.toLowerCase() ?? '')
    const written: ContactResult = { status: 'written', remoteId: id ?? null }
    if (traceId === undefined) nameless.push({ ...written, remoteId: null })
    else matched.set(traceId, written)
  }
  for (const { category = 'error', message = 'no message', context } of readEach(Failed, errors)) {
    const reason = `HubSpot: ${vendorText(`${category}: ${message}`)}`
    const status = passing.has(category) ? 'retry' : 'rejected'
    for (const traceId of context.objectWriteTraceId) matched.set(traceId, { status, reason })
  }
  // A contact found by its second address, or an answer of ids only: when every contact is accounted for, it is written.
  const unmatched = records.filter(({ traceId }) => !matched.has(traceId))
  if (unmatched.length > 0 && unmatched.length === nameless.length)
    for (const [index, { traceId }] of unmatched.entries()) matched.set(traceId, nameless[index] ?? lost)
  return matched
}

const lost: ContactResult = { status: 'retry', reason: "HubSpot's answer does not mention the contact" }

function readEach<T>(schema: z.ZodType<T>, rows: readonly unknown[]): readonly T[] {
  return rows.flatMap((row) => {
    const parsed = schema.safeParse(row)
    return parsed.success ? [parsed.data] : []
  })
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}
