import type { Database } from '@warmhook/store/database'
import { findMissingMailboxes, saveMissingMailboxes } from '@warmhook/store/mailbox-readings/missing-mailboxes'
import { endRun, type Run } from '@warmhook/store/reconciliations/runs'
import { toDeletion } from './compare-campaign.ts'
import { sendReadings, type AddToIntake } from './send-readings.ts'

interface ConcludeDeps {
  readonly db: Database
  readonly add: AddToIntake
  readonly now: () => number
}

/** If more of the known mailboxes than this are missing, a person has to say that they are deleted. */
const maxVanishedShare = 1 / 5

/**
 * Ends a run whose last page was read. A mailbox that two complete readings in a row did not contain is deleted. `total` is
 * the number of campaigns that Mailivery's list claims to have, if it says so.
 */
export async function concludeRun(run: Run, total: number | null, { db, add, now }: ConcludeDeps): Promise<void> {
  const { id, owner, isDry, startedAt } = run
  if (total !== null && run.checked < total) {
    const error = `Mailivery listed ${run.checked} of ${total} campaigns: no conclusion from those that are missing`
    return endRun(db, id, { state: 'failed', error, now: now() })
  }
  const { known, missing, missedTwice } = await findMissingMailboxes(db, owner, startedAt)
  const isSuspicious = missing > known * maxVanishedShare && !run.acceptsVanished
  if (!isSuspicious && !isDry) {
    const deletions = missedTwice.map((campaignId) => toDeletion(campaignId, { run: id, startedAt, mayAdd: false }))
    await sendReadings(owner, deletions, add)
  }
  if (!isDry) await saveMissingMailboxes(db, owner, startedAt)
  if (!isSuspicious) return endRun(db, id, { state: 'done', vanished: missedTwice.length, now: now() })
  const error =
    `${missing} of ${known} mailboxes are missing from Mailivery's list. If they were deleted there, run ` +
    `npx warmhook reconcile --owner ${owner} --accept-vanished; otherwise check the API key's workspace`
  return endRun(db, id, { state: 'waiting', error, now: now() })
}
