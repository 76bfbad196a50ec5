import type { TestServices } from '@warmhook/testing/provided-context'
import { readBack, isPresumed } from '@warmhook/reconcile/read-back'
import { openReconciler, type Reconciler } from '@warmhook/reconcile/fixtures/open-reconciler'
import { describeBatch, JOB_LIMITS } from '@warmhook/schema/batch'
import type { Envelope } from '@warmhook/schema/envelope'
import { readMailboxes } from '@warmhook/store/mailboxes/read-mailboxes'
import { repairs } from '@warmhook/store/reconciliations/runs'
import { mailboxKeyOf } from '@warmhook/schema/mailbox-event'
import { v7 as uuidv7 } from 'uuid'
import { createRandom } from '../chaos/random.ts'
import { deliver, type Arrival, type Way, type WayCounts } from './deliver.ts'
import { Model, usualRates } from './model.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly mailboxes: number
  readonly minutes: number
  readonly stepMinutes: number
  readonly way: Way
  /** Minutes between two reconciliations; undefined: webhooks alone. */
  readonly everyMinutes: number | undefined
  /** By default those of the tests. */
  readonly servers?: Partial<TestServices>
  readonly onStep?: () => void
}

export interface SimulationResult {
  readonly way: WayCounts
  /** Recoveries that Mailivery does not report. */
  readonly silent: number
  /** The sum over all mailboxes of the minutes in which the record was wrong. */
  readonly wrongMinutes: number
  /** `wrongMinutes` as a share of all mailbox-minutes. */
  readonly wrongShare: number
  /** Mailboxes whose record is wrong at the end, after a last reconciliation if there are any. */
  readonly wrongAtEnd: number
  readonly repairs: number
  readonly calls: number
  /** Wrong mailboxes after each step. */
  readonly wrong: readonly number[]
}

const minuteMs = 60_000
const owner = 'acme'
/** Enough for two readings that agree, after which vanished mailboxes are deleted. */
const lastRuns = 2

/** Lets a modelled Mailivery send webhooks in virtual time, and compares the record with it after every step. */
export async function runSimulation(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, mailboxes, minutes, stepMinutes, way, everyMinutes, onStep } = options
  await using here = await openReconciler(options.servers)
  here.mailivery.settings.paging = { style: 'next_page_url', size: 500 }
  const random = createRandom(seed)
  // Independent of the deliveries, so that both runs have the same truth.
  const [modelRandom, wayRandom] = [random.fork(), random.fork()]
  const model = new Model(here.mailivery.campaigns, modelRandom, usualRates)
  const counts: WayCounts = { sent: 0, lost: 0, doubled: 0, late: 0 }
  const start = Math.floor(here.now / minuteMs) * minuteMs - minutes * minuteMs
  const record = new RecordCheck(here, model)
  await record.arrive(model.create(mailboxes, start).map((webhook) => ({ ...webhook, arrivesAt: webhook.at })))
  let [pending, silent, wrongMinutes, repaired]: [readonly Arrival[], number, number, number] = [[], 0, 0, 0]
  const wrong: number[] = []
  const reconcile = async (): Promise<void> => {
    const run = await here.reconcile()
    repaired += repairs.reduce((sum, kind) => sum + run[kind], 0)
    await record.checkAll()
  }
  for (let minute = 0; minute < minutes; minute += stepMinutes) {
    const at = start + minute * minuteMs
    const end = at + stepMinutes * minuteMs
    const step = model.pass(stepMinutes, at)
    silent += step.silent
    pending = [...pending, ...deliver(step.sent, way, wayRandom, counts)]
    const arriving = pending.filter(({ arrivesAt }) => arrivesAt < end)
    pending = pending.filter(({ arrivesAt }) => arrivesAt >= end)
    here.now = end
    await record.arrive(arriving)
    if (everyMinutes !== undefined) await record.readBack(arriving)
    await record.check(step.changed)
    if (everyMinutes !== undefined && (minute + stepMinutes) % everyMinutes === 0) await reconcile()
    wrong.push(record.wrong)
    wrongMinutes += record.wrong * stepMinutes
    onStep?.()
  }
  here.now += 3_600_000
  await record.arrive(pending)
  const runs = everyMinutes === undefined ? 0 : lastRuns
  for (let run = 0; run < runs; run += 1) await reconcile()
  return {
    way: counts,
    silent,
    wrongMinutes,
    wrongShare: wrongMinutes / (mailboxes * minutes),
    wrongAtEnd: record.wrong,
    repairs: repaired,
    calls: here.mailivery.calls.length,
    wrong,
  }
}

/** Fills the record, and knows which of its mailboxes differ from the model. */
class RecordCheck {
  readonly #here: Reconciler
  readonly #model: Model
  readonly #known = new Set<number>()
  readonly #wrong = new Set<number>()

  constructor(here: Reconciler, model: Model) {
    this.#here = here
    this.#model = model
  }

  get wrong(): number {
    return this.#wrong.size
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
