import type { Random } from '../chaos/random.ts'
import type { SentWebhook } from './model.ts'

/** What happens to webhooks on their way, in percent. */
export interface Way {
  readonly lost: number
  readonly doubled: number
  /** Delayed by up to an hour, so that they arrive after later ones. */
  readonly reordered: number
}

export interface Arrival extends SentWebhook {
  readonly arrivesAt: number
}

/** How much of what was sent did not arrive as it was sent. */
export interface WayCounts {
  sent: number
  lost: number
  doubled: number
  late: number
}

const hour = 3_600_000
const usualMs = 3_000

/** Loses, doubles and delays webhooks. */
export function deliver(sent: readonly SentWebhook[], way: Way, random: Random, counts: WayCounts): readonly Arrival[] {
  const happens = (percent: number): boolean => random.between(1, 1_000) <= percent * 10
  const arrivals = sent.flatMap((webhook) => {
    counts.sent += 1
    if (happens(way.lost)) {
      counts.lost += 1
      return []
    }
    const copies = happens(way.doubled) ? 2 : 1
    counts.doubled += copies - 1
    return Array.from({ length: copies }, () => {
      const isLate = happens(way.reordered)
      if (isLate) counts.late += 1
      return { ...webhook, arrivesAt: webhook.at + random.between(0, isLate ? hour : usualMs) }
    })
  })
  return arrivals
}
