import type { OwnerState } from '@warmhook/crm/accounts/read-account-states'
import { readFullLedger } from '@warmhook/ledger/read-full-ledger'
import { readCrmOwners } from './crm/read-crm-owners.ts'
import { countMailboxes } from '@warmhook/store/ledger/read-stats'
import { countRepairs } from '@warmhook/store/reconciliations/list-runs'
import { readRetentionState } from '@warmhook/store/retention/retention-state'
import { Counter, Gauge, type Registry } from '@warmhook/telemetry/metrics'
import pTimeout from 'p-timeout'
import type { ReadDeps } from './board-deps.ts'
import { readHandlerStatuses } from './read-handler-statuses.ts'

// Collecting counts rows, so several scrapers must share the result.
const freshForMs = 10_000
/** A collection that hangs must not delay the answer any longer. */
const limitMs = 4_000

/**
 * Adds the ledger, the queues, the mailboxes and the retention to the board's metrics. They are collected on each
 * scrape. Metrics that cannot be collected are absent, because an old value would look current.
 */
export function observeInstallation(registry: Registry, deps: ReadDeps): void {
  const refresh = shared(deps.now, async () => {
    try {
      show(gauges, await pTimeout(readFigures(deps), { milliseconds: limitMs }))
    } catch {
      hide(gauges)
      failures.inc()
    }
  })
  const gauges = createGauges(registry, refresh)
  const failures = new Counter({
    name: 'warmhook_collect_failures_total',
    help: 'Failed collections; the metrics of the installation are absent until one succeeds',
    registers: [registry],
    collect: refresh,
  })
}

/** Runs once for all callers during a run and shortly after it. */
function shared(now: () => number, run: () => Promise<void>): () => Promise<void> {
  let ranAt = Number.NEGATIVE_INFINITY
  let running: Promise<void> | undefined
  return async () => {
    if (now() - ranAt < freshForMs) return
    running ??= run().finally(() => {
      ranAt = now()
      running = undefined
    })
    await running
  }
}

type Gauges = ReturnType<typeof createGauges>

/** Each gauge calls `collect` before it is printed. */
function createGauges(registry: Registry, collect: () => Promise<void>) {
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> =>
    new Gauge({ name: `warmhook_${name}`, help, labelNames: [...labelNames], registers: [registry], collect })
  return {
    ledger: gauge('ledger_events', 'Accepted webhooks by state', ['state']),
    missing: gauge('ledger_missing', 'Acknowledged webhooks that have disappeared', []),
    balanced: gauge('ledger_balanced', '1 while the ledger balances and nothing is missing', []),
    jobs: gauge('queue_jobs', 'Jobs (batches) by queue and state', ['queue', 'state']),
    age: gauge('queue_oldest_age_seconds', 'How long there has been work that could run now', ['queue']),
    retryingAge: gauge('queue_retrying_age_seconds', 'Age of the oldest event that is being retried', ['queue']),
    workers: gauge('queue_workers', 'Live workers that process the queue', ['queue']),
    events: gauge('handler_events', 'Events that are failing (will be retried) or dead', ['handler', 'state']),
    mailboxes: gauge('mailboxes', 'Mailboxes by status', ['status']),
    crmState: gauge('crm_account_state', "1 for the state of an owner's CRM account", ['owner', 'provider', 'state']),
    crmContacts: gauge('crm_contacts', 'Contacts that are synced; events that failed or are waiting', [
      'owner',
      'provider',
      'state',
    ]),
    crmBudget: gauge('crm_budget_remaining', "Points left in the rate budget of an owner's CRM account", [
      'owner',
      'provider',
      'window',
    ]),
    repairs: gauge('repairs', 'What reconciliations have corrected, because webhooks were lost', ['kind']),
    oldestEvent: gauge('oldest_event_age_seconds', 'Age of the oldest stored event', []),
    retention: gauge('retention_last_run_age_seconds', 'Time since the last retention run', []),
  }
}

function hide(gauges: Gauges): void {
  for (const gauge of Object.values(gauges)) gauge.reset()
  // A reset gauge without labels shows 0, which would look like a value.
  gauges.missing.remove()
  gauges.balanced.remove()
  gauges.oldestEvent.remove()
  gauges.retention.remove()
}

async function readFigures(deps: ReadDeps) {
  const { db, intake, handlers, now } = deps
  const [ledger, mailboxes, queues, retention, crm, repairs] = await Promise.all([
    readFullLedger(intake, db),
    countMailboxes(db),
    readHandlerStatuses([intake, ...handlers], deps),
    readRetentionState(db),
    readCrmOwners(deps),
    countRepairs(db),
  ])
  return { ledger, mailboxes, queues, retention, crm, repairs, at: now() }
}

function show(gauges: Gauges, figures: Awaited<ReturnType<typeof readFigures>>): void {
  const { ledger, mailboxes, queues, retention, crm, repairs, at } = figures
  const { balanced, missing, ...states } = ledger
  for (const [state, count] of Object.entries(states)) gauges.ledger.set({ state }, count)
  gauges.missing.set(missing)
  gauges.balanced.set(balanced ? 1 : 0)
  for (const [status, count] of Object.entries(mailboxes)) gauges.mailboxes.set({ status }, count)
  const { oldestEventAt, ranSecondsAgo } = retention
  // Without events, and before the first run, there is no age: 0 would look like one.
  if (oldestEventAt === null) gauges.oldestEvent.remove()
  else gauges.oldestEvent.set((at - oldestEventAt.getTime()) / 1_000)
  if (ranSecondsAgo === null) gauges.retention.remove()
  else gauges.retention.set(ranSecondsAgo)
  showCrm(gauges, crm)
  for (const [kind, count] of repairs) gauges.repairs.set({ kind }, count)
  for (const { name, depth, active, failing, dead, workers, oldestClaimableAgeMs, retryingAgeMs } of queues) {
    gauges.jobs.set({ queue: name, state: 'waiting' }, depth)
    gauges.jobs.set({ queue: name, state: 'active' }, active)
    gauges.age.set({ queue: name }, (oldestClaimableAgeMs ?? 0) / 1_000)
    gauges.workers.set({ queue: name }, workers)
    gauges.retryingAge.set({ queue: name }, (retryingAgeMs ?? 0) / 1_000)
    gauges.events.set({ handler: name, state: 'failing' }, failing)
    gauges.events.set({ handler: name, state: 'dead' }, dead)
  }
}

function showCrm(gauges: Gauges, owners: readonly OwnerState[]): void {
  for (const gauge of [gauges.crmState, gauges.crmContacts, gauges.crmBudget]) gauge.reset()
  for (const { owner, provider, state, synced, failed, waiting, budgets } of owners) {
    if (provider === null) continue
    gauges.crmState.set({ owner, provider, state }, 1)
    for (const [name, count] of Object.entries({ synced, failed, waiting }))
      gauges.crmContacts.set({ owner, provider, state: name }, count)
    for (const { window, remaining } of budgets) gauges.crmBudget.set({ owner, provider, window }, remaining)
  }
}
