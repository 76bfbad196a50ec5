import { REPORTS_KEY } from '@warmhook/schema/ingress-report'
import type { Database } from '@warmhook/store/database'
import { forgetReports, saveReports } from '@warmhook/store/ledger/ingress-reports'
import { mergeRoutedRanges } from '@warmhook/store/ledger/routed-ranges'
import { foldTotals } from '@warmhook/store/ledger/totals'
import type { Queue } from 'bullmq'
import pTimeout from 'p-timeout'
import { readLatestReports, readRedisReports } from './read-reports.ts'
import { surveyEnvelopes } from './survey-envelopes.ts'

export interface UpkeepDeps {
  readonly intake: Queue
  readonly db: Database
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** If a round is cut short, the next one, in any worker, completes its work. */
const farewellMs = 2_000
const saveEveryMs = 10_000
const forgetEveryMs = 3_600_000
/** A live process reports every two seconds, even after its report was removed. */
const silentForMs = 3_600_000

/**
 * Copies the ingresses' reports from Redis, which may lose them, to Postgres, and keeps both from growing forever. Any
 * number of workers may run it. Disposal waits for the round in progress, but not for an unreachable Redis.
 */
export function startLedgerUpkeep(deps: UpkeepDeps): AsyncDisposable {
  let running: Promise<void> | undefined
  let nextForget = deps.now()
  const run = async (): Promise<void> => {
    try {
      await keepLedger(deps)
      if (deps.now() < nextForget) return
      nextForget = deps.now() + forgetEveryMs
      await forgetOldReports(deps)
    } catch (error) {
      deps.onError(error)
    } finally {
      running = undefined
    }
  }
  const timer = setInterval(() => void (running ??= run()), saveEveryMs)
  timer.unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      if (running !== undefined) await pTimeout(running, { milliseconds: farewellMs, fallback: () => undefined })
    },
  }
}

/** One round: saves reports to Postgres, merges adjacent ranges into one row, and adds changes to their totals. */
export async function keepLedger({ intake, db }: Pick<UpkeepDeps, 'intake' | 'db'>): Promise<void> {
  await saveReports(db, await readRedisReports(intake))
  await mergeRoutedRanges(db)
  await foldTotals(db)
}

/** Removes the reports of processes that ended without loss, and of spools that are empty and no longer used. */
async function forgetOldReports({ intake, db, now }: UpkeepDeps): Promise<void> {
  const { missing } = await surveyEnvelopes(intake, db)
  const { epochs, spools } = await readLatestReports(intake, db)
  const withLoss = new Set(missing.map(({ epoch }) => epoch))
  const idle = [
    ...epochs.filter(({ name }) => !withLoss.has(name)),
    ...spools.filter(({ ranges }) => Object.keys(ranges).length === 0),
  ]
  await forgetReports(db, idle)
  const silent = [...epochs, ...spools].filter(({ reportedAt }) => now() - reportedAt > silentForMs)
  if (silent.length === 0) return
  const client = await intake.backend.client
  await client.hdel(intake.toKey(REPORTS_KEY), ...silent.map(({ kind, name }) => `${kind} ${name}`))
}
