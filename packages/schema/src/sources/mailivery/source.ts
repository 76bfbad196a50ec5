import { z } from 'zod'
import { EventType } from '../../mailbox-event.ts'
import type { PayloadIssue, PayloadVerdict, Source } from '../source.ts'
import { normalisePayload } from './normalise.ts'
import { MailiveryPayload } from './wire.ts'

/** Mailivery documents neither id nor signature; the header is the Standard Webhooks one, in case a relay adds it. */
export const mailivery: Source = {
  name: 'mailivery',
  deliveryIdHeader: 'webhook-id',
  readPayload,
}

const Typed = z.looseObject({ type: z.string() })

function readPayload(payload: unknown): PayloadVerdict {
  const parsed = MailiveryPayload.safeParse(payload)
  if (parsed.success) return { ok: true, content: normalisePayload(parsed.data) }
  const typed = Typed.safeParse(payload)
  if (typed.success && !EventType.safeParse(typed.data.type).success) return unknownType(typed.data.type)
  const issues = parsed.error.issues.map(toPayloadIssue)
  return { ok: false, issue: `invalid: ${placeOf(issues[0])}`, issues }
}

function unknownType(type: string): PayloadVerdict {
  const name = type.replaceAll(/[^\w.:-]/g, '?').slice(0, 80)
  return {
    ok: false,
    issue: `unhandled type: ${name}`,
    issues: [{ code: 'unhandled_type', path: ['type'], message: `no schema knows the type "${name}"` }],
  }
}

function toPayloadIssue(issue: z.core.$ZodIssue): PayloadIssue {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
  return { code: issue.code, path, message: issue.message }
}

function placeOf(issue: PayloadIssue | undefined): string {
  return issue === undefined || issue.path.length === 0 ? 'payload' : issue.path.join('.')
}
