import { z } from 'zod'
import type { ContactRecord, ContactResult } from '../crm-provider.ts'

// HubSpot's own examples do not fit its schemas: only what is used is required, and that loosely.
const BatchAnswer = z.looseObject({
  results: z
    .array(
      z.looseObject({
        id: z.coerce.string().optional(),
        objectWriteTraceId: z.string().optional(),
        properties: z.looseObject({ email: z.string().nullish() }).nullish(),
      }),
    )
    .default([]),
  errors: z
    .array(
      z.looseObject({
        category: z.string().optional(),
        message: z.string().optional(),
        context: z.looseObject({ objectWriteTraceId: z.array(z.string()).optional() }).nullish(),
      }),
    )
    .default([]),
})

/**
 * Matches an answer to the records: by trace id, else by e-mail, because results come in any order. A record that the
 * answer does not mention has no result: a 2xx can have written nothing.
 */
export function readBatchAnswer(records: readonly ContactRecord[], body: string): ReadonlyMap<string, ContactResult> {
  const parsed = BatchAnswer.safeParse(parseJson(body))
  const results = new Map<string, ContactResult>()
  if (!parsed.success) return results
  const traceIds = new Map(records.map((record) => [record.email, record.traceId]))
  for (const { id, objectWriteTraceId, properties } of parsed.data.results) {
    const traceId = objectWriteTraceId ?? traceIds.get(properties?.email?.toLowerCase() ?? '')
    if (traceId !== undefined) results.set(traceId, { status: 'written', remoteId: id ?? null })
  }
  for (const { category, message, context } of parsed.data.errors) {
    for (const traceId of context?.objectWriteTraceId ?? []) {
      results.set(traceId, {
        status: 'rejected',
        reason: `HubSpot: ${category ?? 'error'}: ${message ?? 'no message'}`,
      })
    }
  }
  return results
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
