import { Envelope } from '@warmhook/schema/envelope'
import { z } from 'zod'

/** CPU time after which the work is considered an infinite loop. */
const cpuLimitMs = z.int().positive().default(15_000)

const GivenEvent = z.object({
  id: z.string(),
  owner: z.string(),
  campaignId: z.number(),
  receivedAt: z.number(),
  verdict: z.object({ isDuplicate: z.boolean(), revision: z.number() }).optional(),
})

/** The work to run in a separate process. */
export const SandboxRequest = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('envelope'), envelope: Envelope, maxBodyBytes: z.int().positive(), cpuLimitMs }),
  z.object({
    kind: z.literal('event'),
    handler: z.string(),
    event: GivenEvent,
    timeoutMs: z.int().positive(),
    cpuLimitMs,
  }),
])
export type SandboxRequest = Readonly<z.input<typeof SandboxRequest>>

const reason = z.string()
const notBefore = z.number().optional()

/** Messages from the process: when it begins the actual work, and the outcome if it survives. */
export const SandboxMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('begun') }),
  z.object({
    kind: z.literal('outcome'),
    outcome: z.discriminatedUnion('status', [
      z.object({ status: z.literal('done'), note: z.string().optional() }),
      z.object({ status: z.literal('retry'), reason, notBefore }),
      z.object({ status: z.literal('hold'), reason, notBefore }),
      z.object({ status: z.literal('discard'), reason }),
    ]),
  }),
  /** The infrastructure failed: the event's outcome is unknown. */
  z.object({ kind: z.literal('unavailable'), reason }),
])
export type SandboxMessage = Readonly<z.infer<typeof SandboxMessage>>
