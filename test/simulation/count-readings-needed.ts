import type { FakeCampaign } from '@warmhook/mailivery/fixtures/fake-campaign'
import type { Arrival } from './deliver.ts'

/** What a step can do to the record. */
export interface StepEvents {
  /** When the step began, in ms since the epoch. */
  readonly startedAt: number
  /** Mailboxes whose real status has changed in the step. */
  readonly changed: readonly number[]
  readonly arriving: readonly Arrival[]
}

/** Mailboxes that may be wrong until the next reading, and those that no longer exist, for which it takes two. */
export interface ReadingsNeeded {
  readonly existing: number
  readonly deleted: number
}

/**
 * Counts what can make the record wrong in a step: changes that no webhook reports within the step, and webhooks of earlier
 * steps, which can describe the past. It looks at the model and the webhooks, never at the record.
 */
export function countReadingsNeeded(
  { startedAt, changed, arriving }: StepEvents,
  campaigns: ReadonlyMap<number, FakeCampaign>,
): ReadingsNeeded {
  const stale = arriving.filter(({ at }) => at < startedAt).map(({ id }) => id)
  const reported = new Set(arriving.filter(({ at }) => at >= startedAt).map(({ id }) => id))
  const causes = [...changed.filter((id) => !reported.has(id)), ...stale]
  const existing = causes.filter((id) => campaigns.has(id)).length
  return { existing, deleted: causes.length - existing }
}
