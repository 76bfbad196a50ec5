import { isIP } from 'node:net'
import { z } from 'zod'
import { Secret } from './secret.ts'

/** Decimal digits only: `1e3`, `0x10` and `Infinity` are more likely mistakes than numbers. */
export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}, in digits`
  return z
    .string()
    .regex(/^\d{1,16}$/, { error, abort: true })
    .transform(Number)
    .refine((number) => number >= min && number <= max, { error })
}

/** A TCP port; 0 selects a free one. */
export const port = wholeNumber(0, 65_535)

/** An amount of memory as Redis writes it: `512mb`, `2gb`; 0 means no limit. An empty Redis uses a few megabytes itself. */
export const redisSize = z
  .string()
  .regex(/^(?:0|[1-9]\d{0,14}(?:[kmg]b?)?)$/i, { error: 'must be a size such as 512mb or 2gb, or 0', abort: true })
  .refine((size) => size === '0' || toBytes(size) >= 32 * 1024 ** 2, 'must be 32mb or more, or 0')

/** A token that goes into an HTTP header. */
export const token = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'may only contain visible ASCII characters, and no spaces')
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

/** An address or a name to listen on. Brackets around an IPv6 address are removed. */
export const host = z
  .string()
  .transform((text) => text.replace(/^\[(.*)\]$/, '$1'))
  .refine((text) => (isIP(text) !== 0 && !text.includes('%')) || isHostName(text), {
    error: 'must be an IP address or a host name, without scheme and port',
  })

/** Names separated by commas. */
export const nameList = z.string().transform((value) =>
  value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
)

/** In Redis's notation `kb` is 1024 bytes and `k` 1000. */
function toBytes(size: string): number {
  const [, digits = '', unit = '', binary = ''] = /^(\d+)([kmg]?)(b?)$/i.exec(size) ?? []
  const exponent = 'kmg'.indexOf(unit.toLowerCase()) + (unit === '' ? 0 : 1)
  return Number(digits) * (binary === '' ? 1_000 : 1_024) ** exponent
}

function isHostName(text: string): boolean {
  // The last label of a name is never all digits: 127.0.0 and 1234 are broken addresses.
  return /^(?=.{1,253}$)(?:[a-z\d_](?:[\w-]{0,61}[a-z\d])?\.)*(?!\d+$)[a-z\d](?:[\w-]{0,61}[a-z\d])?$/i.test(text)
}

function parseHttpUrl(text: string): URL | undefined {
  const url = /^https?:\/\/[^/]/i.test(text) ? URL.parse(text) : null
  // fetch refuses a URL with credentials.
  return url !== null && url.username === '' && url.password === '' ? url : undefined
}
