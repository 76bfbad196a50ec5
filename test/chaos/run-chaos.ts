import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@warmhook/testing/eventually'
import { endpointPath, openChaosSite, type ChaosPostgres, type ChaosSite } from './chaos-site.ts'
import type { Fault, FaultLengths } from './faults/fault.ts'
import { judge, type Verdict } from './judge.ts'
import { startLoad, type Load } from './load.ts'
import { trackOutcomes, type OutcomeTracker } from './outcome-tracker.ts'
import { createRandom } from './random.ts'

export interface ChaosOptions {
  readonly seed: number
  /** How long faults are injected; `once`: until each has had its turn. */
  readonly minutes: number | 'once'
  /** Events per second. */
  readonly rate: number
  readonly mailboxes: number
  readonly workers: number
  readonly faults: readonly Fault[]
  readonly lengths: FaultLengths
  readonly postgres: ChaosPostgres
  readonly log: (line: string) => void
  /** Ends the faults early; the judgement still comes. */
  readonly signal?: AbortSignal
}

/** A fault that happened, and the events from its beginning to the next one's. */
export interface Episode {
  readonly fault: string
  readonly firstEvent: number
  /** From the end of the fault until accepted events came out as usual; undefined when they never did. */
  readonly recoveryMs: number | undefined
}

export interface ChaosResult {
  readonly seed: number
  readonly rate: number
  readonly load: Load
  readonly episodes: readonly Episode[]
  readonly verdict: Verdict
}

const calmMs = 2_000
/** An event this old, and not out yet, means that the site has not recovered. */
const usualAgeMs = 5_000
const recoveryTimeoutMs = 120_000
const settleTimeoutMs = 300_000

/** Breaks a site under load, one fault after another, lets it settle, and judges what has become of every event. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, rate, mailboxes, log } = options
  log(`seed ${seed}, ${rate} events a second, ${mailboxes} mailboxes`)
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
  const verdict = await judge({ db: site.db, crm: site.crm, load, mailboxes })
  const problems = [...unsettled, ...verdict.problems, ...(await judgeLedger(site, verdict))]
  return { seed, rate, load, episodes, verdict: { ...verdict, problems } }
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
  for (let turn: Fault[] = []; !isCancelled();) {
    const isOver = minutes !== 'once' && performance.now() - startedAt > minutes * 60_000
    if (isOver || (minutes === 'once' && turn.length === 0 && episodes.length > 1)) break
    if (turn.length === 0) turn = random.shuffle(faults)
    const fault = turn.shift()
    if (fault === undefined) break
    const firstEvent = load.sent
    log(`${minute(startedAt)} ${fault.name}`)
    await fault.inject(site, random.fork(), lengths)
    const recoveryMs = await recover(tracker, Date.now())
    log(`${minute(startedAt)}   ${recoveryMs === undefined ? 'NO RECOVERY' : `recovered in ${seconds(recoveryMs)} s`}`)
    episodes.push({ fault: fault.name, firstEvent, recoveryMs })
    await delay(calmMs)
  }
  return episodes
}

/** Waits until an event sent after `endedAt` is through all handlers, those accepted before it are too, and none waits for long. */
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
  let state = ''
  for (let quiet = 0; quiet < 3;) {
    if (performance.now() - startedAt > settleTimeoutMs)
      return [`after ${settleTimeoutMs / 1_000} s the run had not settled: ${state}`]
    await delay(1_000)
    try {
      const [ledger, spooled] = [await site.ledger(), await site.spooledJobs()]
      state = `${tracker.unfinished} accepted events without outcome, ${ledger.inFlight} in flight, ${spooled} jobs in the spool`
      quiet = tracker.unfinished + ledger.inFlight + spooled === 0 ? quiet + 1 : 0
    } catch (error) {
      quiet = 0
      state = String(error)
    }
  }
  log(`settled in ${seconds(performance.now() - startedAt)} s`)
  return []
}

async function judgeLedger(site: ChaosSite, { recorded }: Verdict): Promise<readonly string[]> {
  const ledger = await site.ledger()
  const { accepted, processed, balanced } = ledger
  if (balanced && accepted === recorded && processed === recorded) return []
  return [`the ledger does not say that ${recorded} events were accepted and processed: ${JSON.stringify(ledger)}`]
}

function minute(startedAt: number): string {
  const elapsed = Math.round((performance.now() - startedAt) / 1_000)
  return `${String(Math.floor(elapsed / 60)).padStart(2, '0')}:${String(elapsed % 60).padStart(2, '0')}`
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1)
}
