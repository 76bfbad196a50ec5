import type { PeerHeaders } from './create-peer-client.ts'

/** A peer that asks for no delay must not be called in a loop. */
const minMs = 1_000

/** The delay in `Retry-After`, given in seconds or as an HTTP date (RFC 9110 section 10.2.3), within limits. */
export function retryAfterMs(headers: PeerHeaders, now: number, maxMs: number): number | undefined {
  const value = headers['retry-after']?.toString().trim() ?? ''
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, minMs), maxMs)
}
