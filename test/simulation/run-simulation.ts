import type { TestServices } from '@warmhook/testing/provided-context'
import { openReconciler } from '@warmhook/reconcile/fixtures/open-reconciler'
import { sumRepairs } from '@warmhook/store/reconciliations/runs'
import { createRandom } from '../chaos/random.ts'
import { deliver, type Arrival, type Way, type WayCounts } from './deliver.ts'
import { Model, usualRates, type Rates } from './model.ts'
import { PossibleErrors } from './possible-errors.ts'
import { RecordCheck } from './record-check.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly mailboxes: number
  readonly minutes: number
  readonly stepMinutes: number
  readonly way: Way
  /** By default the usual ones. */
  readonly rates?: Rates
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
  /** Those of `wrongMinutes` in which the mailbox no longer existed: a deletion takes two readings. */
  readonly wrongMinutesOfDeleted: number
  /** `wrongMinutes` as a share of all mailbox-minutes. */
  readonly wrongShare: number
  /** Mailboxes whose record is wrong at the end, after a last reconciliation if there are any. */
  readonly wrongAtEnd: number
  /** Readings that it takes to correct everything that webhooks did not report, or reported late. */
  readonly readingsNeeded: number
  /** Wrong mailboxes that `PossibleErrors` does not allow, over all steps and readings; with reconciliation there must be none. */
  readonly unexplained: number
  /** Runs that failed, or that wait for a person because too many mailboxes vanished. */
  readonly runsNotDone: number
  readonly repairs: number
  readonly calls: number
  /** Wrong mailboxes after each step. */
  readonly wrong: readonly number[]
}

const minuteMs = 60_000
/** Enough for two readings that agree, after which vanished mailboxes are deleted. */
const lastRuns = 2

/** Lets a modelled Mailivery send webhooks in virtual time, and compares the record with it after every step. */
export async function runSimulation(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, mailboxes, minutes, stepMinutes, way, rates = usualRates, everyMinutes, onStep } = options
  await using here = await openReconciler(options.servers)
  here.mailivery.settings.paging = { style: 'next_page_url', size: 500 }
  const random = createRandom(seed)
  // Independent of the deliveries, so that both runs have the same truth.
  const [modelRandom, wayRandom] = [random.fork(), random.fork()]
  const model = new Model(here.mailivery.campaigns, modelRandom, rates)
  const possible = new PossibleErrors(model.campaigns)
  const counts: WayCounts = { sent: 0, lost: 0, doubled: 0, late: 0 }
  const start = Math.floor(here.now / minuteMs) * minuteMs - minutes * minuteMs
  const record = new RecordCheck(here, model)
  await record.arrive(model.create(mailboxes, start).map((webhook) => ({ ...webhook, arrivesAt: webhook.at })))
  let pending: readonly Arrival[] = []
  const wrong: number[] = []
  let [silent, repaired, unexplained, runsNotDone] = [0, 0, 0, 0]
  let [wrongMinutes, wrongMinutesOfDeleted] = [0, 0]
  const reconcile = async (): Promise<void> => {
    const run = await here.reconcile()
    if (run.state !== 'done') runsNotDone += 1
    repaired += sumRepairs(run)
    await record.checkAll()
    possible.reading()
    unexplained += possible.unexplained(record.wrong)
  }
  for (let minute = 0; minute < minutes; minute += stepMinutes) {
    const at = start + minute * minuteMs
    const end = at + stepMinutes * minuteMs
    const step = model.pass(stepMinutes, at)
    silent += step.silent
    pending = [...pending, ...deliver(step.sent, way, wayRandom, counts)]
    const arriving = pending.filter(({ arrivesAt }) => arrivesAt < end)
    pending = pending.filter(({ arrivesAt }) => arrivesAt >= end)
    possible.add({ startedAt: at, changed: step.changed, arriving })
    here.now = end
    await record.arrive(arriving)
    if (everyMinutes !== undefined) await record.readBack(arriving)
    await record.check(step.changed)
    unexplained += possible.unexplained(record.wrong)
    if (everyMinutes !== undefined && (minute + stepMinutes) % everyMinutes === 0) await reconcile()
    wrong.push(record.wrong.size)
    wrongMinutes += record.wrong.size * stepMinutes
    wrongMinutesOfDeleted += record.wrongOfDeleted * stepMinutes
    onStep?.()
  }
  here.now += 3_600_000
  possible.add({ startedAt: here.now, changed: [], arriving: pending })
  await record.arrive(pending)
  const runs = everyMinutes === undefined ? 0 : lastRuns
  for (let run = 0; run < runs; run += 1) await reconcile()
  return {
    way: counts,
    silent,
    wrongMinutes,
    wrongMinutesOfDeleted,
    wrongShare: wrongMinutes / (mailboxes * minutes),
    wrongAtEnd: record.wrong.size,
    readingsNeeded: possible.readingsNeeded,
    unexplained,
    runsNotDone,
    repairs: repaired,
    calls: here.mailivery.calls.length,
    wrong,
  }
}
