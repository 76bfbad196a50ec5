import { EnvelopeBatch, JOB_LIMITS } from '@warmhook/schema/batch'
import { z } from 'zod'
import type { Overlap } from '@warmhook/batching/group-commit'

/** How large a batch may be, when a failed one is tried again, and how often. */
export interface BatchPolicy {
  /** Events in a job and in a call of the handler, at most. */
  readonly batchMax: number
  /** Calls of the handler that one worker makes at once, where they must be fewer than its settings allow. */
  readonly maxCalls?: number
  /** Of the handler's calls. */
  readonly overlap: Overlap
  readonly attempts: number
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  /** A call of the handler that takes longer is cancelled through its signal. */
  readonly timeoutMs: number
}

/** Everything that producers, workers and the board must agree on about a queue. */
export interface QueueSpec<Payload> {
  readonly name: string
  readonly payload: z.ZodType<Payload>
  readonly policy: BatchPolicy
  /** How long finished jobs stay visible, in seconds and in number. */
  readonly retention: {
    readonly completed: { readonly age: number; readonly count: number }
    readonly failed: { readonly age: number; readonly count: number }
  }
}

// A job has 256 KiB at most, so these bound the bytes, too: 50 MiB of finished and 250 MiB of failed jobs for a queue.
const retention = {
  completed: { age: 3_600, count: 200 },
  failed: { age: 14 * 86_400, count: 1_000 },
} as const

/** Raw envelopes on their way from the ingress to the router. */
export const intakeQueue: QueueSpec<EnvelopeBatch> = {
  name: 'intake',
  payload: EnvelopeBatch,
  // The router fails only when a part of ours is unreachable, so it never gives an envelope up.
  policy: {
    batchMax: JOB_LIMITS.maxItems,
    overlap: 'full batch',
    attempts: 1_000_000,
    firstDelayMs: 250,
    maxDelayMs: 15_000,
    timeoutMs: 60_000,
  },
  retention,
}

/**
 * The queue of one handler; the handler brings the name and the policy. Whoever takes a job reads its payload with
 * `readEventJob`, which tells jobs of other versions from what nobody can read.
 */
export function handlerQueue(handler: { readonly name: string; readonly policy: BatchPolicy }): QueueSpec<unknown> {
  return { name: handler.name, payload: z.unknown(), policy: handler.policy, retention }
}

/**
 * Milliseconds until the next attempt: doubled each time up to the policy's maximum, half of it random,
 * so that batches that failed together do not come back together.
 */
export function backoffMs(policy: BatchPolicy, attemptsMade: number, random: () => number): number {
  const full = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** Math.min(attemptsMade - 1, 40))
  return Math.round(full * (0.5 + random() * 0.5))
}
