import type { FakeCampaign } from '@warmhook/mailivery/fixtures/fake-campaign'
import type { Arrival } from './deliver.ts'

/** What a step can do to the record. */
interface StepEvents {
  /** When the step began, in ms since the epoch. */
  readonly startedAt: number
  /** Mailboxes whose real status has changed in the step. */
  readonly changed: readonly number[]
  readonly arriving: readonly Arrival[]
}

/**
 * The mailboxes whose record may be wrong although reconciliation works: after a change that no webhook reports within
 * its step, or a webhook of an earlier step, which can describe the past. The next reading corrects either; if the mailbox
 * no longer exists, the second one does. Everything else is an error. It looks at the model and the webhooks, never at the record.
 */
export class PossibleErrors {
  readonly #campaigns: ReadonlyMap<number, FakeCampaign>
  /** How many readings are still to come, by mailbox. */
  readonly #readings = new Map<number, number>()
  #needed = 0

  constructor(campaigns: ReadonlyMap<number, FakeCampaign>) {
    this.#campaigns = campaigns
  }

  /** All readings that were needed so far, counted for each cause. */
  get readingsNeeded(): number {
    return this.#needed
  }

  /** Adds what a step makes possible. */
  add({ startedAt, changed, arriving }: StepEvents): void {
    const stale = arriving.filter(({ at }) => at < startedAt).map(({ id }) => id)
    const reported = new Set(arriving.filter(({ at }) => at >= startedAt).map(({ id }) => id))
    for (const id of [...changed.filter((one) => !reported.has(one)), ...stale]) {
      const readings = this.#campaigns.has(id) ? 1 : 2
      this.#needed += readings
      this.#readings.set(id, readings)
    }
  }

  /** A complete reading has ended. */
  reading(): void {
    for (const [id, left] of this.#readings) {
      if (left > 1) this.#readings.set(id, left - 1)
      else this.#readings.delete(id)
    }
  }

  /** How many of these mailboxes must not be wrong. */
  unexplained(wrong: ReadonlySet<number>): number {
    return [...wrong].filter((id) => !this.#readings.has(id)).length
  }
}
