import type { PeerHeaders } from './create-peer-client.ts'

/** Prevents a tight loop if the peer asks for no delay. */
const minMs = 1_000

/** The delay from `Retry-After`, in seconds or as an HTTP date (RFC 9110 section 10.2.3), within bounds. */
export function retryAfterMs(headers: PeerHeaders, now: number, maxMs: number): number | undefined {
  const value = headers['retry-after']?.toString().trim() ?? ''
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, minMs), maxMs)
}
