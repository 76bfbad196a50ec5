import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@warmhook/testing/eventually'
import { endpointPath, openChaosSite, type ChaosPostgres, type ChaosSite } from './chaos-site.ts'
import type { Fault, FaultLengths } from './faults/fault.ts'
import { reachVerdict, type Verdict } from './reach-verdict.ts'
import { startLoad, type Load } from './load.ts'
import { trackOutcomes, type OutcomeTracker } from './outcome-tracker.ts'
import { createRandom } from './random.ts'

export interface ChaosOptions {
  readonly seed: number
  /** The minimum time to inject faults; every fault is injected at least once, even with 0 minutes. */
  readonly minutes: number
  /** Events per second. */
  readonly rate: number
  readonly mailboxes: number
  readonly workers: number
  readonly faults: readonly Fault[]
  readonly lengths: FaultLengths
  readonly postgres: ChaosPostgres
  readonly log: (line: string) => void
  /** Stops the faults early; the verdict still follows. */
  readonly signal?: AbortSignal
}

/** An injected fault, and the events from its start to the start of the next. */
export interface Episode {
  readonly fault: string
  readonly firstEvent: number
  /** Time from the end of the fault until processing was normal again; undefined if it never was. */
  readonly recoveryMs: number | undefined
}

export interface ChaosResult {
  readonly seed: number
  readonly rate: number
  readonly load: Load
  readonly episodes: readonly Episode[]
  readonly verdict: Verdict
  /** A message for every unexpected exit of a process. */
  readonly ends: readonly string[]
}

const calmMs = 2_000
/** While an unfinished event is older than this, the site has not recovered. */
const usualAgeMs = 5_000
const recoveryTimeoutMs = 120_000
const settleTimeoutMs = 300_000

/** Injects one fault after another into a site under load, lets it settle, and checks the outcome of every event. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, rate, mailboxes, log } = options
  log(`seed ${seed}, ${rate} events per second, ${mailboxes} mailboxes`)
  await using stack = new AsyncDisposableStack()
  const site = await openChaosSite(stack, options)
  await eventually(() => site.spooledJobs(), { timeoutMs: 30_000, intervalMs: 100 })
  await eventually(() => site.ledger(), { timeoutMs: 30_000, intervalMs: 100 })
  const tracker = stack.use(trackOutcomes(site.db))
  const load = stack.use(
    startLoad({
      url: site.ingressUrl,
      path: endpointPath,
      perSecond: rate,
      mailboxes,
      onAck: (id, event) => tracker.add(id, event),
    }),
  )
  const episodes = await breakInTurn(site, tracker, load, options)
  await load[Symbol.asyncDispose]()
  log('the load has ended; waiting until nothing is in flight')
  const unsettled = await settle(site, tracker, log)
  const verdict = await reachVerdict({ db: site.db, crm: site.crm, load, mailboxes })
  const problems = [...unsettled, ...verdict.problems, ...(await checkLedger(site, verdict))]
  return { seed, rate, load, episodes, verdict: { ...verdict, problems }, ends: [...site.ends] }
}

async function breakInTurn(
  site: ChaosSite,
  tracker: OutcomeTracker,
  load: Load,
  { seed, minutes, faults, lengths, log, signal }: ChaosOptions,
): Promise<readonly Episode[]> {
  const random = createRandom(seed)
  const startedAt = performance.now()
  const isCancelled = (): boolean => signal?.aborted === true
  const firstMs = await recover(tracker, Date.now())
  const episodes: Episode[] = [{ fault: '(start)', firstEvent: 0, recoveryMs: firstMs }]
  const hasTime = (): boolean => performance.now() - startedAt < minutes * 60_000
  let turn = random.shuffle(faults)
  while (!isCancelled()) {
    const fault = turn.shift()
    if (fault === undefined || (episodes.length > faults.length && !hasTime())) break
    if (turn.length === 0 && hasTime()) turn = random.shuffle(faults)
    const firstEvent = load.sent
    log(`${minute(startedAt)} ${fault.name}`)
    await fault.inject(site, random.fork(), lengths)
    const recoveryMs = await recover(tracker, Date.now())
    const outcome = recoveryMs === undefined ? `NO RECOVERY: ${await describe(site, tracker)}` : seconds(recoveryMs)
    log(`${minute(startedAt)}   recovery: ${outcome}`)
    episodes.push({ fault: fault.name, firstEvent, recoveryMs })
    await delay(calmMs)
  }
  return episodes
}

/** Waits until an event sent after `endedAt` and all events accepted before it are finished, and no event is old. */
async function recover(tracker: OutcomeTracker, endedAt: number): Promise<number | undefined> {
  while (Date.now() - endedAt < recoveryTimeoutMs) {
    const now = Date.now()
    const { oldest, latestFinished } = tracker
    if (latestFinished > endedAt && oldest > endedAt && now - oldest < usualAgeMs) return now - endedAt
    await delay(100)
  }
  return undefined
}

async function settle(site: ChaosSite, tracker: OutcomeTracker, log: (line: string) => void): Promise<string[]> {
  const startedAt = performance.now()
  for (let quiet = 0; quiet < 3;) {
    if (performance.now() - startedAt > settleTimeoutMs)
      return [`after ${settleTimeoutMs / 1_000} s the run had not settled: ${await describe(site, tracker)}`]
    await delay(1_000)
    const inFlight = await countInFlight(site).catch(() => Number.POSITIVE_INFINITY)
    quiet = tracker.unfinished + inFlight === 0 ? quiet + 1 : 0
  }
  log(`settled in ${seconds(performance.now() - startedAt)}`)
  return []
}

/** In-flight events according to the ledger, plus spooled jobs, which the ledger cannot see. */
async function countInFlight(site: ChaosSite): Promise<number> {
  return (await site.ledger()).inFlight + (await site.spooledJobs())
}

async function describe(site: ChaosSite, tracker: OutcomeTracker): Promise<string> {
  const [ledger, spooled] = await Promise.allSettled([site.ledger(), site.spooledJobs()])
  const { unfinished, oldest } = tracker
  const waiting = `${unfinished} accepted events without outcome, the oldest ${seconds(Date.now() - oldest)} old`
  return `${waiting}; the ledger ${told(ledger)}; jobs in the spool ${told(spooled)}`
}

function told(result: PromiseSettledResult<unknown>): string {
  return result.status === 'fulfilled' ? JSON.stringify(result.value) : String(result.reason)
}

async function checkLedger(site: ChaosSite, { recorded, duplicates }: Verdict): Promise<readonly string[]> {
  // The ledger counts all events, which takes a while on a machine that is still busy.
  const ledger = await eventually(() => site.ledger(), { timeoutMs: 60_000, intervalMs: 1_000 })
  const { accepted, processed, duplicate, balanced } = ledger
  if (balanced && accepted === recorded && duplicate === duplicates && processed === recorded - duplicates) return []
  return [
    `the ledger should show ${recorded} accepted events, ${duplicates} of them duplicates: ${JSON.stringify(ledger)}`,
  ]
}

function minute(startedAt: number): string {
  const elapsed = Math.round((performance.now() - startedAt) / 1_000)
  return `${String(Math.floor(elapsed / 60)).padStart(2, '0')}:${String(elapsed % 60).padStart(2, '0')}`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
