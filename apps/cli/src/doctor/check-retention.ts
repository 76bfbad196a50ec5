import { readRetentionState } from '@warmhook/store/retention/retention-state'
import { ok, warning, type Check } from './finding.ts'

/** Workers run the retention every hour. */
const lateAfterSeconds = 3 * 3_600

/** Retention: how long events are kept, and whether a worker removes older ones. */
export const checkRetention: Check = {
  name: 'retention',
  async run({ db, now }) {
    const { keptDays, ranSecondsAgo, removedEvents, oldestEventAt } = await readRetentionState(db)
    const days = oldestEventAt === null ? 0 : Math.floor((now() - oldestEventAt.getTime()) / 86_400_000)
    const oldest = oldestEventAt === null ? 'there are no events' : `the oldest event is ${days} days old`
    if (keptDays === null || ranSecondsAgo === null)
      return [ok(`${oldest}; no worker has removed old events yet, or RETENTION_DAYS is 0`)]
    const what = `events are kept for ${keptDays} days; ${oldest}, and ${removedEvents} were removed in total`
    if (days > keptDays && ranSecondsAgo > lateAfterSeconds)
      return [
        warning(
          `${what}; the last run was ${Math.round(ranSecondsAgo / 3_600)} h ago`,
          'Start a worker, or check the logs of the workers for errors of "retention".',
        ),
      ]
    return [ok(what)]
  },
}
