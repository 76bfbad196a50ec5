import type { NumberRange } from './number-ranges.ts'

/**
 * Envelopes by number. Each ingress process (an epoch) numbers its envelopes 1, 2, 3 … and uses no number twice, so a
 * number that was acknowledged and is nowhere is a loss.
 */
export interface IntakeRange extends NumberRange {
  readonly epoch: string
}

/** The id of the intake job that carries these envelopes. The ids alone tell what waits in the intake. */
export function toIntakeJobId({ epoch, first, last }: IntakeRange): string {
  return `${epoch}-${first}-${last - first + 1}`
}

/** Undefined for other jobs: replays, and those that `isUnnumberedJobId` is for. */
export function parseIntakeJobId(id: string): IntakeRange | undefined {
  const [, epoch, first, count] = /^([\da-f]{16})-([1-9]\d{0,14})-([1-9]\d{0,8})$/.exec(id) ?? []
  if (epoch === undefined) return undefined
  return { epoch, first: Number(first), last: Number(first) + Number(count) - 1 }
}

/** The id of a job whose envelopes were counted when they first came. `name` makes it unique. */
export function toReplayJobId(name: string): string {
  return `replay-${name}`
}

/** Whether a version made the job that did not number envelopes: each job went by a UUID. */
export function isUnnumberedJobId(id: string): boolean {
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(id)
}
