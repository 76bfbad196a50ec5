import { readOutboxState } from '@warmhook/store/outbox/read-outbox-state'
import { ok, warning, type Check } from './finding.ts'

/** The sweeper notes its work every five seconds. */
const silentAfterSeconds = 60

/** Outbox: what handlers owe, and whether somebody sees to it that Redis has it. */
export const checkOutbox: Check = {
  name: 'outbox',
  async run({ db }) {
    const { owed, waiting, sweptSecondsAgo, fed, recreated } = await readOutboxState(db)
    const what = `${owed} jobs of handlers are owed, ${waiting} of them wait for room in Redis; so far ${fed} have waited, and ${recreated} were made again that Redis had lost`
    if (owed > 0 && (sweptSecondsAgo === null || sweptSecondsAgo > silentAfterSeconds))
      return [
        warning(
          `${what}; no worker sweeps the outbox`,
          'Start a worker: what Redis loses meanwhile stays owed until then.',
        ),
      ]
    return [ok(what)]
  },
}
