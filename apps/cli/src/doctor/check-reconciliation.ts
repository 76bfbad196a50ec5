import { readLatestRuns } from '@warmhook/store/reconciliations/list-runs'
import { sumRepairs } from '@warmhook/store/reconciliations/runs'
import { ok, warning, type Check } from './finding.ts'

/** Reconciliation: whether the latest reading of each owner's campaigns has ended, and what it repaired. */
export const checkReconciliation: Check = {
  name: 'reconcile',
  async run({ db }) {
    const runs = await readLatestRuns(db)
    if (runs.length === 0)
      return [ok('never: set MAILIVERY_API_KEY to correct what webhooks miss, such as recoveries of SMTP mailboxes')]
    return runs.map((run) => {
      const { owner, state, error, startedAt, checked } = run
      const what = `${owner}: ${checked} campaigns read at ${startedAt}`
      if (state === 'failed')
        return warning(
          `${what}, but the reading failed: ${error ?? 'unknown'}`,
          'Check MAILIVERY_API_KEY and MAILIVERY_BASE_URL.',
        )
      if (state === 'waiting') return warning(`${what}, not concluded`, error ?? 'Run npx warmhook reconcile.')
      return ok(`${what}, ${sumRepairs(run)} repairs`)
    })
  },
}
