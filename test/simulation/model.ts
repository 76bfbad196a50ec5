import { fakeCampaign, type FakeCampaign } from '@warmhook/mailivery/fixtures/fake-campaign'
import type { Random } from '../chaos/random.ts'

/** A webhook that Mailivery sends at a time in ms since the epoch. */
export interface SentWebhook {
  readonly type: 'created' | 'updated' | 'deleted' | 'connection.problematic'
  readonly id: number
  readonly at: number
}

/** What happened in a step. */
export interface Step {
  readonly sent: readonly SentWebhook[]
  /** Mailboxes whose real status has changed, with or without a webhook. */
  readonly changed: readonly number[]
  /** Recoveries without a webhook. */
  readonly silent: number
}

/** How often something happens to one mailbox, in 10,000 steps of a minute. */
export interface Rates {
  readonly problem: number
  readonly recovery: number
  readonly edit: number
  readonly deletion: number
  /** Of a provider, for all its mailboxes at once. */
  readonly outage: number
}

/** A problem every two days, a recovery after four hours, an edit a day, a life of sixty days. */
export const usualRates: Rates = { problem: 3.5, recovery: 42, edit: 7, deletion: 0.12, outage: 1.4 }

const providers = ['gmail', 'office', 'smtp'] as const
const minute = 60_000
/** Of a provider's mailboxes, the share that an outage pauses, as 1 in n. */
const outageShare = 5

/** Mailivery, with mailboxes that break, recover, change and go. Its campaigns are the truth. */
export class Model {
  readonly campaigns: Map<number, FakeCampaign>
  readonly #random: Random
  readonly #rates: Rates
  #nextId = 1

  constructor(campaigns: Map<number, FakeCampaign>, random: Random, rates: Rates) {
    this.campaigns = campaigns
    this.#random = random
    this.#rates = rates
  }

  /** Creates mailboxes, and returns their webhooks. */
  create(count: number, at: number): readonly SentWebhook[] {
    return Array.from({ length: count }, () => {
      const id = this.#nextId++
      this.campaigns.set(id, fakeCampaign(id, { provider: providers[id % providers.length] ?? 'smtp' }))
      return { type: 'created' as const, id, at }
    })
  }

  /** Lets `minutes` pass, which begin at `at`. */
  pass(minutes: number, at: number): Step {
    const sent: SentWebhook[] = []
    const changed = new Set<number>()
    let silent = 0
    const send = (type: SentWebhook['type'], id: number): void =>
      void sent.push({ type, id, at: this.#within(minutes, at) })
    const down = providers.filter(() => this.#happens(this.#rates.outage, minutes))
    // A copy, because campaigns come and go meanwhile.
    for (const [id, campaign] of Array.from(this.campaigns)) {
      const isHit = down.some((name) => name === campaign.provider) && this.#random.between(1, outageShare) === 1
      if (this.#happens(this.#rates.deletion, minutes)) {
        this.campaigns.delete(id)
        changed.add(id)
        send('deleted', id)
        const [born] = this.create(1, at)
        if (born === undefined) continue
        changed.add(born.id)
        send('created', born.id)
      } else if (campaign.statusCode === 'active' && (isHit || this.#happens(this.#rates.problem, minutes))) {
        campaign.statusCode = 'paused'
        changed.add(id)
        send('connection.problematic', id)
      } else if (campaign.statusCode === 'paused' && this.#happens(this.#rates.recovery, minutes)) {
        campaign.statusCode = 'active'
        changed.add(id)
        // Only Microsoft's recoveries are reported.
        if (campaign.provider === 'office') send('updated', id)
        else silent += 1
      } else if (this.#happens(this.#rates.edit, minutes)) send('updated', id)
    }
    return { sent, changed: [...changed], silent }
  }

  #happens(perTenThousand: number, minutes: number): boolean {
    return this.#random.between(0, 999_999) < perTenThousand * 100 * minutes
  }

  #within(minutes: number, at: number): number {
    return at + this.#random.between(0, minutes * minute - 1)
  }
}
