import { vendorText } from '@warmhook/peer/vendor-text'
import { parseBody } from '../parse-body.ts'

/** An error as described by HubSpot. */
export interface Problem {
  /** All of its codes, such as `PROPERTY_DOESNT_EXIST`. */
  readonly codes: ReadonlySet<string>
  /** Its messages, without the JSON embedded in some of them. */
  readonly messages: readonly string[]
  /** A short summary without e-mail addresses, for messages. */
  readonly summary: string
}

/**
 * Finds the codes and messages anywhere in an answer, or in one row of it: HubSpot nests them in `errors`, `context`,
 * `validationResults`, as the last part of a `subCategory`, and as JSON within a message.
 */
export function readProblem(body: unknown): Problem {
  const codes = new Set<string>()
  const messages: string[] = []
  walk(body, 'body', maxDepth, { codes, messages })
  const [message = typeof body === 'string' ? describeText(body) : 'no message'] = messages
  return { codes, messages, summary: vendorText(`${summarise(codes)}${message}`) }
}

/** Deeper than any answer from HubSpot, including JSON within a message. */
const maxDepth = 8

interface Found {
  readonly codes: Set<string>
  readonly messages: string[]
}

function walk(node: unknown, key: string, depth: number, found: Found): void {
  if (depth === 0) return
  if (typeof node === 'string') return readText(node, key, depth, found)
  if (Array.isArray(node)) return node.forEach((item) => walk(item, key, depth - 1, found))
  if (typeof node !== 'object' || node === null) return
  for (const [name, value] of Object.entries(node)) walk(value, name, depth - 1, found)
}

function readText(text: string, key: string, depth: number, found: Found): void {
  if (key === 'message') return readMessage(text, depth, found)
  // Other fields can repeat a contact's text, which must not be mistaken for HubSpot's codes.
  if (!codeKeys.test(key)) return
  const code = text.slice(text.lastIndexOf('.') + 1)
  if (codeShape.test(code)) found.codes.add(code)
}

const codeKeys = /^(code|category|subCategory|error|errorType|errorCode|type|policyName|propertyName)$/
const codeShape = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/

/** `Property values were not valid: [{"isValid":false,"message":"…","error":"PROPERTY_DOESNT_EXIST","name":"…"}]` */
function readMessage(text: string, depth: number, found: Found): void {
  const start = text.search(/[[{]\s*["{]/)
  const inner =
    start === -1 ? undefined : parseBody(text.slice(start, text.lastIndexOf(text[start] === '[' ? ']' : '}') + 1))
  if (typeof inner !== 'object') found.messages.push(text)
  else {
    found.messages.push(text.slice(0, start))
    walk(inner, 'message', depth - 1, found)
  }
}

function summarise(codes: ReadonlySet<string>): string {
  return codes.size === 0 ? '' : `${[...codes].slice(0, 4).join(' ')}: `
}

/** An HTML page says no more than the status does. */
function describeText(text: string): string {
  return text.trimStart().startsWith('<') || text.trim() === '' ? 'not JSON' : text
}
