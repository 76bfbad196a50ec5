import type { NumberRange } from './number-ranges.ts'

/**
 * Envelopes by number. Each ingress process (an epoch) numbers its envelopes 1, 2, 3 … and uses no number twice, so an
 * acknowledged number that is nowhere is a lost envelope.
 */
export interface IntakeRange extends NumberRange {
  readonly epoch: string
}

/** The id of the intake job that contains these envelopes. The ids alone show which envelopes wait in the intake. */
export function toIntakeJobId({ epoch, first, last }: IntakeRange): string {
  return `${epoch}-${first}-${last - first + 1}`
}

/** Undefined for other jobs: replays and jobs that match `isUnnumberedJobId`. */
export function parseIntakeJobId(id: string): IntakeRange | undefined {
  const [, epoch, first, count] = /^([\da-f]{16})-([1-9]\d{0,14})-([1-9]\d{0,8})$/.exec(id) ?? []
  if (epoch === undefined) return undefined
  return { epoch, first: Number(first), last: Number(first) + Number(count) - 1 }
}

/** The id of a job whose envelopes were counted when they first arrived. `name` makes it unique. */
export function toReplayJobId(name: string): string {
  return `replay-${name}`
}

/** Whether the job comes from a version that did not number envelopes: its jobs had UUIDs as ids. */
export function isUnnumberedJobId(id: string): boolean {
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(id)
}
