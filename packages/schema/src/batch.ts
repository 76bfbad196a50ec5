import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { Envelope } from './envelope.ts'

/**
 * A job is no larger than 256 KiB, of which 1 KiB is left for the payload's frame, so that the queue board stays usable.
 * 100 items are what most peers take in one call.
 */
export const JOB_LIMITS = { maxItems: 100, maxSize: 255 * 1024 } as const

/** Bytes of JSON that an envelope takes in a job. */
export function jobBytes(item: Envelope): number {
  return Buffer.byteLength(JSON.stringify(item)) + 1
}

/** What an intake job carries. */
export const EnvelopeBatch = z.strictObject({
  envelopes: z.array(Envelope).min(1),
  /** Set when quarantined envelopes are tried again: the ledger counted them when they first came. */
  replay: z.boolean().optional(),
})
export type EnvelopeBatch = Readonly<z.infer<typeof EnvelopeBatch>>

/** A job's name for people: `campaign.updated ×3, campaign.created ×1`. */
export function describeBatch(labels: Iterable<string>): string {
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  return [...counts].map(([label, count]) => `${label} ×${count}`).join(', ')
}

/** The name of an intake job whose envelopes were counted before. */
export function describeReplay(labels: Iterable<string>): string {
  return `${replayOf}${describeBatch(labels)}`
}

const replayOf = 'replay of '

/** How many envelopes a job of this name brings for the first time. */
export function envelopesInName(name: string): number {
  if (name.startsWith(replayOf)) return 0
  return [...name.matchAll(/ ×(\d+)(?:, |$)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
}
