import { openMailiveryClients } from '@warmhook/mailivery/open-mailivery-clients'
import type { MailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import { openQueue } from '@warmhook/queue/batch-producer'
import { reconcileQueue, type ReconcileJob } from '@warmhook/queue/catalog'
import type { BatchContext } from '@warmhook/queue/start-batch-worker'
import { beginReconciliation } from '@warmhook/reconcile/begin-reconciliation'
import { recheckPaused } from '@warmhook/reconcile/recheck-paused'
import { runReconciliation } from '@warmhook/reconcile/run-reconciliation'
import { scheduleReconciliations } from '@warmhook/reconcile/schedule-reconciliations'
import type { AddToIntake } from '@warmhook/reconcile/send-readings'
import type { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import type { Database } from '@warmhook/store/database'
import { readRun } from '@warmhook/store/reconciliations/runs'
import type { Redis } from 'ioredis'
import { orUnavailable } from '../or-unavailable.ts'

export interface ReconcilingDeps {
  readonly db: Database
  readonly accounts: MailiveryAccounts
  readonly everyMs: number
  /** Pauses that are open for longer are rechecked; undefined: none. */
  readonly recheckAfterMs: number | undefined
  /** Its commands fail at once while Redis is unreachable. */
  readonly redis: Redis
  readonly prefix: string
  readonly add: AddToIntake
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** How often the schedule in Redis is checked: Redis may have lost it. */
const scheduleCheckMs = 30_000
const turnMs = 10_000

/**
 * Keeps the schedule of reconciliations in Redis, and returns what processes their jobs.
 */
export function startReconciling(
  scope: ResourceScope,
  deps: ReconcilingDeps,
): (context: BatchContext<ReconcileJob>) => Promise<void> {
  const { db, accounts, redis, prefix, add, now, onError } = deps
  const queue = openQueue(reconcileQueue, redis, { prefix, onError })
  scope.defer('reconcile queue', () => queue.close())
  const clients = openMailiveryClients(accounts, { redis, prefix, now })
  let checking: Promise<void> | undefined
  const check = (): void => {
    checking ??= scheduleReconciliations(queue, [...accounts.keys()], deps.everyMs)
      .catch(onError)
      .finally(() => (checking = undefined))
  }
  check()
  const timer = setInterval(check, scheduleCheckMs)
  timer.unref()
  scope.defer('reconciliation schedule', async () => {
    clearInterval(timer)
    await checking
  })

  return async ({ payload: { owner, run: id } }) => {
    const client = clients.get(owner)
    // The owner's key was removed.
    if (client === undefined) return
    if (id === undefined) {
      const request = { owner, isDry: false, acceptsVanished: false }
      await orUnavailable('database or Redis', () => beginReconciliation(request, { db, queue, now }))
      return
    }
    const run = await orUnavailable('database', () => readRun(db, id))
    if (run === undefined) return
    const isKeyShared = [...accounts].some(
      ([other, { apiKey }]) => other !== owner && apiKey.reveal() === accounts.get(owner)?.apiKey.reveal(),
    )
    await runReconciliation(run, { db, client, add, isKeyShared, now, turnMs })
    await recheckPaused(run, { db, client, afterMs: deps.recheckAfterMs, now })
  }
}
