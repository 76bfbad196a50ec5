import { hash } from 'node:crypto'
import { z } from 'zod'
import { Secret } from './secret.ts'

/** A key by its digest; the key itself where it was given in clear. */
export interface EndpointKey {
  /** SHA-256, in hex. */
  readonly digest: string
  readonly clear: Secret | undefined
}

// Of what a path segment may hold as it is (RFC 3986, section 3.3), all but the quote, which would end the printed curl line.
const urlSafe = /^[\w.~!$&()*+,;=:@-]*$/
const digestPrefix = /^sha256:/i

/** A key in clear. Part of a URL, so it has to arrive as it was printed. */
const ClearKey = z
  .string({ error: 'must be text: put it in quotes' })
  .trim()
  .min(22, { error: 'must be at least 22 characters (128 bits)', abort: true })
  .max(256, { error: 'must be at most 256 characters', abort: true })
  .regex(urlSafe, 'is part of a URL: it may hold letters, digits and - . _ ~ only')

/** A key in clear, or `sha256:` and its digest in hex. */
export const KeyOrDigest = z
  .string({ error: 'must be text: put it in quotes' })
  .trim()
  .transform((text, context): EndpointKey => {
    if (digestPrefix.test(text)) {
      if (!/^sha256:[\da-f]{64}$/i.test(text)) context.issues.push(toIssue('must have 64 hex digits after sha256:'))
      return { digest: text.slice(7).toLowerCase(), clear: undefined }
    }
    for (const { message } of ClearKey.safeParse(text).error?.issues ?? []) context.issues.push(toIssue(message))
    return { digest: digestOf(text), clear: new Secret(text) }
  })

/** A key that must be known in clear, because its URL is printed. */
export const ClearEndpointKey = ClearKey.refine((key) => !digestPrefix.test(key), {
  error: 'must be the key itself: its digest can stand in ENDPOINTS_FILE only',
}).transform((key) => new Secret(key))

/** How keys are compared and kept. */
export function digestOf(key: string): string {
  return hash('sha256', key)
}

/** Without the key that it is about. */
function toIssue(message: string) {
  return { code: 'custom' as const, message, input: undefined }
}
