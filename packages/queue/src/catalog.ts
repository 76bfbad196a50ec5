import { EnvelopeBatch, JOB_LIMITS } from '@warmhook/schema/batch'
import { z } from 'zod'
import type { GatherPolicy } from '@warmhook/batching/gathering'
import type { Overlap } from '@warmhook/batching/group-commit'

/** The maximum batch size, and when and how often a failed batch is retried. */
export interface BatchPolicy {
  /** Maximum number of events per job and per handler call. */
  readonly batchMax: number
  /** Limits concurrent handler calls in one worker to fewer than its settings allow. */
  readonly maxCalls?: number
  /** When the handler's calls may overlap. */
  readonly overlap: Overlap
  /** In a burst of jobs, a call waits for more of them by this policy. By default it starts at once. */
  readonly gather?: GatherPolicy
  readonly attempts: number
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  /** A handler call that takes longer is cancelled through its signal. */
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

// A job is at most 256 KiB, so these also limit memory: 50 MiB of finished and 250 MiB of failed jobs per queue.
const retention = {
  completed: { age: 3_600, count: 200 },
  failed: { age: 14 * 86_400, count: 1_000 },
} as const

/** Raw envelopes on their way from the ingress to the router. */
export const intakeQueue: QueueSpec<EnvelopeBatch> = {
  name: 'intake',
  payload: EnvelopeBatch,
  // The router fails only if Redis or Postgres is unreachable, so it never gives up on an envelope.
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

/** A turn of a reconciliation, or, without a run, the time to begin one. */
export const ReconcileJob = z.strictObject({ owner: z.string().min(1), run: z.uuid().optional() })
export type ReconcileJob = Readonly<z.infer<typeof ReconcileJob>>

/** Readings of Mailivery's campaigns. */
export const reconcileQueue: QueueSpec<ReconcileJob> = {
  name: 'reconcile',
  payload: ReconcileJob,
  // The runs in Postgres know what to give up; a job only brings them on.
  policy: {
    batchMax: 1,
    overlap: 'any batch',
    attempts: 1_000_000,
    firstDelayMs: 1_000,
    maxDelayMs: 60_000,
    timeoutMs: 60_000,
  },
  retention,
}

/** The job of a run: the same id each time, so that a run has one job at most. */
export function toReconcileJob({ id, owner }: { readonly id: string; readonly owner: string }) {
  return { id: `run-${id}`, name: owner, payload: { owner, run: id } satisfies ReconcileJob }
}

/**
 * The queue of one handler; the handler defines its name and policy. Workers read the payload with `readEventJob`,
 * which distinguishes jobs of other versions from unreadable ones.
 */
export function handlerQueue(handler: { readonly name: string; readonly policy: BatchPolicy }): QueueSpec<unknown> {
  return { name: handler.name, payload: z.unknown(), policy: handler.policy, retention }
}

/**
 * Milliseconds until the next attempt: doubled each time up to the policy's maximum. Half of it is random,
 * so that batches that failed together are not retried together.
 */
export function backoffMs(policy: BatchPolicy, attemptsMade: number, random: () => number): number {
  const full = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** Math.min(attemptsMade - 1, 40))
  return Math.round(full * (0.5 + random() * 0.5))
}
