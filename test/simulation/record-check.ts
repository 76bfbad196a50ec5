import { isPresumed } from '@warmhook/reconcile/is-presumed'
import { readBack } from '@warmhook/reconcile/read-back'
import type { Reconciler } from '@warmhook/reconcile/fixtures/open-reconciler'
import { describeBatch, JOB_LIMITS } from '@warmhook/schema/batch'
import type { Envelope } from '@warmhook/schema/envelope'
import { mailboxKeyOf } from '@warmhook/schema/mailbox-event'
import { readMailboxes } from '@warmhook/store/mailboxes/read-mailboxes'
import { v7 as uuidv7 } from 'uuid'
import type { Arrival } from './deliver.ts'
import type { Model } from './model.ts'

const owner = 'acme'

/** Fills the record, and knows which of its mailboxes differ from the model. */
export class RecordCheck {
  readonly #here: Reconciler
  readonly #model: Model
  readonly #known = new Set<number>()
  readonly #wrong = new Set<number>()

  constructor(here: Reconciler, model: Model) {
    this.#here = here
    this.#model = model
  }

  /** Mailboxes with a wrong status. */
  get wrong(): ReadonlySet<number> {
    return this.#wrong
  }

  /** Those that no longer exist, which the record still has. */
  get wrongOfDeleted(): number {
    return [...this.#wrong].filter((id) => !this.#model.campaigns.has(id)).length
  }

  /** Records arriving webhooks in the order of their arrival. */
  async arrive(arrivals: readonly Arrival[]): Promise<void> {
    const envelopes = arrivals.toSorted((a, b) => a.arrivesAt - b.arrivesAt).map(toEnvelope)
    for (let from = 0; from < envelopes.length; from += JOB_LIMITS.maxItems) {
      const batch = envelopes.slice(from, from + JOB_LIMITS.maxItems)
      await this.#here.add({ id: uuidv7(), name: describeBatch([owner]), payload: { envelopes: batch } })
    }
    await this.check(arrivals.map(({ id }) => id))
  }

  /** Asks the API about mailboxes for whose recovery only an update speaks, as the handler does. */
  async readBack(arrivals: readonly Arrival[]): Promise<void> {
    const { db, client, add } = this.#here
    const ids = new Set(arrivals.flatMap(({ id, type }) => (type === 'updated' ? [id] : [])))
    const stored = await readMailboxes(db, [...ids].map(toKey))
    for (const mailbox of [...stored.values()].filter(isPresumed))
      await readBack(mailbox, 'simulation', { db, client, add, now: () => this.#here.now })
    await this.check([...ids])
  }

  /** Compares all mailboxes with the model. */
  checkAll(): Promise<void> {
    return this.check([...this.#known, ...this.#model.campaigns.keys()])
  }

  /** Compares these mailboxes with the model. */
  async check(ids: readonly number[]): Promise<void> {
    const distinct = [...new Set(ids)]
    if (distinct.length === 0) return
    const stored = await readMailboxes(this.#here.db, distinct.map(toKey))
    for (const id of distinct) {
      this.#known.add(id)
      const recorded = stored.get(mailboxKeyOf(toKey(id)))?.timeline.mailbox?.status ?? 'deleted'
      const real = this.#model.campaigns.get(id)?.statusCode ?? 'deleted'
      if (recorded === real) this.#wrong.delete(id)
      else this.#wrong.add(id)
    }
  }
}

function toKey(campaignId: number) {
  return { owner, campaignId }
}

function toEnvelope({ type, id, arrivesAt }: Arrival): Envelope {
  const body = JSON.stringify({
    type: `campaign.${type}`,
    ...(type === 'connection.problematic' ? { reason: 'Smtp Connection Error' } : {}),
    account: { campaign_id: id, email: `m${id}@example.com` },
  })
  return { id: uuidv7({ msecs: arrivesAt }), source: 'mailivery', owner, receivedAt: arrivesAt, body, encoding: 'utf8' }
}
