import { readFullLedger } from '@warmhook/ledger/read-full-ledger'
import { readStats } from '@warmhook/store/ledger/read-stats'
import { Counter, Gauge, type Registry } from '@warmhook/telemetry/metrics'
import type { BoardDeps } from './board-deps.ts'
import { readHandlerStatus } from './handler-status.ts'

// Scraping counts rows, so several scrapers must not add up.
const freshForMs = 10_000

/** Puts the ledger, the queues and the mailboxes among the board's metrics. They are read when they are asked for. */
export function observeInstallation(
  registry: Registry,
  { db, intake, handlers, now }: Pick<BoardDeps, 'db' | 'intake' | 'handlers' | 'now'>,
): void {
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  /** Called by each of the gauges before it is printed. */
  async function refresh(): Promise<void> {
    if (now() - readAt < freshForMs) return
    reading ??= read()
      .catch(() => failures.inc())
      .finally(() => {
        readAt = now()
        reading = undefined
      })
    await reading
  }

  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> =>
    new Gauge({ name: `warmhook_${name}`, help, labelNames: [...labelNames], registers: [registry], collect: refresh })
  const ledger = gauge('ledger_events', 'Accepted webhooks by what has become of them', ['state'])
  const jobs = gauge('queue_jobs', 'Jobs (batches) by queue and state', ['queue', 'state'])
  const age = gauge('queue_oldest_age_seconds', 'How long the oldest waiting job has waited', ['queue'])
  const mailboxes = gauge('mailboxes', 'Mailboxes by status', ['status'])
  const failures = new Counter({
    name: 'warmhook_collect_failures_total',
    help: 'Scrapes in which the figures of the installation could not be read; the last ones stay then',
    registers: [registry],
  })

  async function read(): Promise<void> {
    const { balanced, ...states } = await readFullLedger(intake, db)
    for (const [state, count] of Object.entries(states)) ledger.set({ state }, count)
    ledger.set({ state: 'unbalanced' }, balanced ? 0 : 1)
    for (const [status, count] of Object.entries((await readStats(db)).mailboxes)) mailboxes.set({ status }, count)
    for (const queue of [intake, ...handlers]) {
      const { depth, active, failing, oldestAgeMs } = await readHandlerStatus(queue, now())
      for (const [state, count] of Object.entries({ waiting: depth, active, failed: failing }))
        jobs.set({ queue: queue.name, state }, count)
      age.set({ queue: queue.name }, (oldestAgeMs ?? 0) / 1_000)
    }
  }
}
