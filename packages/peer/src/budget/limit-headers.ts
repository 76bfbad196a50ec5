import type { PeerHeaders } from '../create-peer-client.ts'
import type { LearnedLimit } from './budget.ts'

/** A count in a header; undefined if the header is absent or is no count. */
export function readCount(value: PeerHeaders[string]): number | undefined {
  const text = value?.toString().trim() ?? ''
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

/** What an answer tells about a window; nothing if it tells neither figure. */
export function toLearnedLimits(
  window: string,
  limit: number | undefined,
  remaining: number | undefined,
): readonly LearnedLimit[] {
  if (limit === undefined && remaining === undefined) return []
  return [{ window, ...(limit === undefined ? {} : { limit }), ...(remaining === undefined ? {} : { remaining }) }]
}
