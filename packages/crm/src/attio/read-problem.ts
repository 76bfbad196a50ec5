import { vendorText } from '@warmhook/peer/vendor-text'
import { z } from 'zod'
import { parseBody } from '../parse-body.ts'

/** An error as described by Attio. */
export interface Problem {
  /** False if the body is not one of Attio's errors, such as the page of a proxy. */
  readonly isAttios: boolean
  /** Such as `invalid_request_error`. */
  readonly type: string
  /** Such as `value_not_found`; more than one if Attio lists what is wrong with a body. */
  readonly codes: ReadonlySet<string>
  readonly messages: readonly string[]
  /** A short summary without e-mail addresses, for messages. */
  readonly summary: string
}

const text = z.string().catch('')
const Fault = z.object({ code: text, message: text })
const ErrorBody = Fault.extend({ type: text, validation_errors: z.array(Fault).catch([]) })

/** Reads the error in the body of an answer. */
export function readProblem(body: string): Problem {
  const parsed = ErrorBody.safeParse(parseBody(body)).data
  if (parsed === undefined || (parsed.code === '' && parsed.type === '')) return notAttios
  const faults = [parsed, ...parsed.validation_errors]
  const codes = new Set(faults.map(({ code }) => code).filter((code) => code !== ''))
  const messages = faults.map(({ message }) => message).filter((message) => message !== '')
  const [name = parsed.type] = codes
  const summary = vendorText(`${name}: ${messages.length === 0 ? 'no message' : messages.join(' ')}`)
  return { isAttios: true, type: parsed.type, codes, messages, summary }
}

const notAttios: Problem = {
  isAttios: false,
  type: '',
  codes: new Set(),
  messages: [],
  summary: 'not an answer of Attio',
}
