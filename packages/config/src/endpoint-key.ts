import { hash } from 'node:crypto'
import { z } from 'zod'
import { Secret } from './secret.ts'

/** A key's digest, and the key itself if it was given in plain text. */
export interface EndpointKey {
  /** SHA-256, in hex. */
  readonly digest: string
  readonly clear: Secret | undefined
}

// All characters of a path segment (RFC 3986, section 3.3) except the quote, which would end the printed curl command.
const urlSafe = /^[\w.~!$&()*+,;=:@-]*$/
const digestPrefix = /^sha256:/i

/** A key in plain text. It is part of a URL, so it must not need escaping. */
const ClearKey = z
  .string({ error: 'must be a string: put it in quotes' })
  .trim()
  .min(22, { error: 'must be at least 22 characters (128 bits)', abort: true })
  .max(256, { error: 'must be at most 256 characters', abort: true })
  .regex(urlSafe, 'is part of a URL: it may only contain letters, digits and - . _ ~')

/** A key in plain text, or `sha256:` followed by its digest in hex. */
export const KeyOrDigest = z
  .string({ error: 'must be a string: put it in quotes' })
  .trim()
  .transform((text, context): EndpointKey => {
    if (digestPrefix.test(text)) {
      if (!/^sha256:[\da-f]{64}$/i.test(text)) context.issues.push(toIssue('must have 64 hex digits after sha256:'))
      return { digest: text.slice(7).toLowerCase(), clear: undefined }
    }
    for (const { message } of ClearKey.safeParse(text).error?.issues ?? []) context.issues.push(toIssue(message))
    return { digest: digestOf(text), clear: new Secret(text) }
  })

/** A key in plain text only, because its URL is printed. */
export const ClearEndpointKey = ClearKey.refine((key) => !digestPrefix.test(key), {
  error: 'must be the key itself: digests are only allowed in ENDPOINTS_FILE',
}).transform((key) => new Secret(key))

/** Keys are stored and compared as digests. */
export function digestOf(key: string): string {
  return hash('sha256', key)
}

/** An issue that does not contain the key. */
function toIssue(message: string) {
  return { code: 'custom' as const, message, input: undefined }
}
