import { vendorText } from '@warmhook/peer/vendor-text'
import { z } from 'zod'
import { unclear } from '../answer-class.ts'
import type { ContactRecord } from '../crm-provider.ts'
import type { RowResult } from '../write-in-parts.ts'
import { kindOfMessage } from '../kind-of-message.ts'
import { parseBody } from '../parse-body.ts'

const Answer = z.object({ results: z.array(z.unknown()) })
const Row = z.object({
  id: z.string(),
  status: z.string(),
  message: z.string().optional().catch(undefined),
  remoteId: z
    .union([z.string(), z.number().transform(String)])
    .pipe(z.string().regex(/^\P{C}{1,200}$/u))
    .optional()
    .catch(undefined),
})

/**
 * What a successful answer says about the contacts of its call, by trace id. An answer without `results` means that all
 * are done. Contacts that `results` leaves out, and unreadable rows, are absent from the map.
 */
export function readUpsertAnswer(records: readonly ContactRecord[], body: string): ReadonlyMap<string, RowResult> {
  const answer = Answer.safeParse(parseBody(body)).data
  const known = new Map(records.map(({ traceId, remoteId }) => [traceId, remoteId]))
  if (answer === undefined)
    return new Map([...known].map(([traceId, remoteId]) => [traceId, { status: 'written', remoteId }]))
  const rows = answer.results.flatMap((row) => Row.safeParse(row).data ?? [])
  return new Map(
    rows.filter(({ id }) => known.has(id)).map((row) => [row.id, toResult(row, known.get(row.id) ?? null)]),
  )
}

function toResult({ status, message, remoteId }: z.infer<typeof Row>, knownId: string | null): RowResult {
  switch (status) {
    case 'ok':
      return { status: 'written', remoteId: remoteId ?? knownId }
    case 'skipped':
      return { status: 'skipped', reason: vendorText(message ?? 'skipped by the endpoint') }
    case 'error': {
      const reason = vendorText(`the endpoint rejects the contact: ${message ?? 'no message'}`)
      return {
        status: 'failed',
        answerClass: { blames: 'contact', reason, kind: kindOfMessage(message ?? ''), isConflict: false },
      }
    }
    default: {
      const reason = vendorText(`the endpoint's answer has the status ${status} instead of ok, skipped or error`)
      return { status: 'failed', answerClass: unclear(reason) }
    }
  }
}
