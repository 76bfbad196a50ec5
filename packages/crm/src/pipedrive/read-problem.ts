import { vendorText } from '@warmhook/peer/vendor-text'
import { z } from 'zod'
import { parseBody } from '../parse-body.ts'

/** An error as described by Pipedrive. */
export interface Problem {
  /** False for a page of a proxy, or another service's JSON. */
  readonly isPipedrives: boolean
  /** Such as `feature_capping_deals_limit`; empty if there is none. */
  readonly code: string
  /** Its message as Pipedrive sent it, which can contain an address. */
  readonly message: string
  /** A short summary without e-mail addresses, for messages. */
  readonly summary: string
}

const text = z.string().catch('')
const ErrorBody = z.object({
  success: z.literal(false),
  error: text,
  error_info: text,
  // Some errors of Pipedrive's gateway have only a message.
  message: text,
  code: text,
})

/** Reads the body of an answer as an error. */
export function readProblem(body: string): Problem {
  const json = parseBody(body)
  const read = ErrorBody.safeParse(json).data
  if (read === undefined) {
    const summary = typeof json === 'string' ? 'not JSON' : 'JSON that is not from Pipedrive'
    return { isPipedrives: false, code: '', message: '', summary }
  }
  const info = boilerplate.test(read.error_info) ? '' : read.error_info
  const message = [read.error || read.message, info].filter((part) => part !== '').join('; ')
  const summary = vendorText(`${read.code === '' ? '' : `${read.code}: `}${message || 'no message'}`)
  return { isPipedrives: true, code: read.code, message, summary }
}

/** Pipedrive adds a pointer to its documentation to most errors. */
const boilerplate = /^please check developers\.pipedrive\.com/i
