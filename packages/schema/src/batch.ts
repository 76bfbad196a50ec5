import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { Envelope } from './envelope.ts'

/**
 * A job is at most 256 KiB, so that the queue board stays usable; 1 KiB of it is reserved for the payload's frame.
 * Most peers accept 100 items per call.
 */
export const JOB_LIMITS = { maxItems: 100, maxSize: 255 * 1024 } as const

/** Bytes of JSON that an envelope takes in a job. */
export function jobBytes(item: Envelope): number {
  return Buffer.byteLength(JSON.stringify(item)) + 1
}

/** The payload of an intake job. */
export const EnvelopeBatch = z.strictObject({
  envelopes: z.array(Envelope).min(1),
  /** Set when quarantined envelopes are retried: the ledger counted them when they first arrived. */
  replay: z.boolean().optional(),
})
export type EnvelopeBatch = Readonly<z.infer<typeof EnvelopeBatch>>

/** A readable job name: `campaign.updated ×3, campaign.created ×1`. */
export function describeBatch(labels: Iterable<string>): string {
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  return [...counts].map(([label, count]) => `${label} ×${count}`).join(', ')
}

/** The name of an intake job whose envelopes are already counted. */
export function describeReplay(labels: Iterable<string>): string {
  return `${replayOf}${describeBatch(labels)}`
}

const replayOf = 'replay of '

/** How many envelopes a job with this name contains that are not yet counted. */
export function envelopesInName(name: string): number {
  if (name.startsWith(replayOf)) return 0
  return [...name.matchAll(/ ×(\d+)(?:, |$)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
}
