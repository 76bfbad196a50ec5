import { isIP } from 'node:net'
import { z } from 'zod'
import { Secret } from './secret.ts'

/** Decimal digits only: `1e3`, `0x10` and `Infinity` are more likely slips than numbers. */
export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}, in digits`
  return z
    .string()
    .regex(/^\d{1,16}$/, { error, abort: true })
    .transform(Number)
    .refine((number) => number >= min && number <= max, { error })
}

/** A TCP port; 0 takes a free one. */
export const port = wholeNumber(0, 65_535)

/** A token that goes into an HTTP header. */
export const token = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'may hold visible ASCII characters only, and no spaces')
  .transform((value) => new Secret(value))

/** The base of an HTTP API, without credentials, query or fragment: paths are added to it. */
export function httpUrl(example: string) {
  return z.string().refine(
    (text) => {
      const url = parseHttpUrl(text)
      return url !== undefined && url.search === '' && url.hash === ''
    },
    { error: `must be a URL such as ${example}, without user, query and fragment` },
  )
}

/** A URL that is itself a credential. */
export function secretHttpUrl(example: string) {
  return z
    .string()
    .refine((text) => parseHttpUrl(text) !== undefined, { error: `must be a URL such as ${example}` })
    .transform((value) => new Secret(value))
}

/** An address or a name to listen on. Brackets around an IPv6 address are taken off. */
export const host = z
  .string()
  .transform((text) => text.replace(/^\[(.*)\]$/, '$1'))
  .refine((text) => (isIP(text) !== 0 && !text.includes('%')) || isHostName(text), {
    error: 'must be an IP address or a host name, without scheme and port',
  })

function isHostName(text: string): boolean {
  // The last label of a name is never all digits: 127.0.0 and 1234 are broken addresses.
  return /^(?=.{1,253}$)(?:[a-z\d_](?:[\w-]{0,61}[a-z\d])?\.)*(?!\d+$)[a-z\d](?:[\w-]{0,61}[a-z\d])?$/i.test(text)
}

function parseHttpUrl(text: string): URL | undefined {
  const url = /^https?:\/\/[^/]/i.test(text) ? URL.parse(text) : null
  // fetch refuses a URL with credentials.
  return url !== null && url.username === '' && url.password === '' ? url : undefined
}
