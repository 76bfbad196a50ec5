import type { MailiveryClient } from '@warmhook/mailivery/create-mailivery-client'
import type { Database } from '@warmhook/store/database'
import { findOverduePauses } from '@warmhook/store/pauses/find-overdue-pauses'
import { markRechecked, type Run } from '@warmhook/store/reconciliations/runs'

export interface RecheckDeps {
  readonly db: Database
  readonly client: Pick<MailiveryClient, 'recheckConnections'>
  /** Pauses that are open for longer are rechecked; undefined: none. */
  readonly afterMs: number | undefined
  readonly now: () => number
}

/** Mailivery allows three rechecks in two hours; evenly spread, each finds what has recovered since the last one. */
const betweenMs = 40 * 60_000

/**
 * After a run, asks Mailivery to recheck its paused mailboxes and to restart those that work again, if one has been
 * paused for long. The limit of rechecks is shared by all workers; beyond it, the next run tries again.
 */
export async function recheckPaused(
  { id, owner, isDry }: Run,
  { db, client, afterMs, now }: RecheckDeps,
): Promise<void> {
  if (afterMs === undefined || isDry) return
  const { count, recheckedAt } = await findOverduePauses(db, owner, now() - afterMs)
  if (count === 0 || (recheckedAt !== null && now() - recheckedAt < betweenMs)) return
  const answer = await client.recheckConnections()
  if (answer.status === 'ok') await markRechecked(db, id)
}
