import { readOutboxState } from '@warmhook/store/outbox/read-outbox-state'
import { ok, warning, type Check } from './finding.ts'

/** The sweeper records its work every five seconds. */
const silentAfterSeconds = 60

/** Outbox: the work that handlers owe, and whether a sweeper is running. */
export const checkOutbox: Check = {
  name: 'outbox',
  async run({ db }) {
    const { owed, waiting, sweptSecondsAgo, fed, recreated } = await readOutboxState(db)
    const what = `${owed} handler jobs are owed, ${waiting} of them waiting for room in Redis; in total, ${fed} jobs have waited and ${recreated} lost jobs were recreated`
    if (owed > 0 && (sweptSecondsAgo === null || sweptSecondsAgo > silentAfterSeconds))
      return [
        warning(
          `${what}; no worker is sweeping the outbox`,
          'Start a worker. Until then, jobs that Redis loses are not recreated.',
        ),
      ]
    return [ok(what)]
  },
}
