import type { CampaignPage } from '@warmhook/mailivery/read-campaign-page'
import type { MailiveryClient } from '@warmhook/mailivery/create-mailivery-client'
import type { MailiveryFailure } from '@warmhook/mailivery/mailivery-result'
import { RetryAtError } from '@warmhook/queue/start-batch-worker'
import { mailboxKeyOf } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import { findOtherOwners } from '@warmhook/store/mailbox-readings/find-other-owners'
import { saveReadings } from '@warmhook/store/mailbox-readings/save-readings'
import { readMailboxes } from '@warmhook/store/mailboxes/read-mailboxes'
import { advanceRun, endRun, type Finding, type Run } from '@warmhook/store/reconciliations/runs'
import { compareCampaign } from './compare-campaign.ts'
import { concludeRun } from './conclude-run.ts'
import { sendReadings, type AddToIntake } from './send-readings.ts'

export interface ReconcileDeps {
  readonly db: Database
  readonly client: Pick<MailiveryClient, 'listCampaigns'>
  readonly add: AddToIntake
  /** Whether another owner uses the same API key, so that an unknown campaign may be theirs. */
  readonly isKeyShared: boolean
  readonly now: () => number
  /** For one turn: afterwards the job is put back, so that others have theirs. */
  readonly turnMs: number
}

/** A run that cannot go on for this long has failed. */
const patienceMs = 10 * 60_000
const retryMs = 5_000
/** Campaigns that a list may contain, pages of any size; a list that never ends is not one. */
const maxCampaigns = 2_000_000

/**
 * Goes on with a run, page by page, until it has ended. Each page is recorded, so that another worker can take over.
 *
 * @throws RetryAtError when the turn is over, or the API is not available now
 */
export async function runReconciliation(from: Run, deps: ReconcileDeps): Promise<void> {
  const turnEnds = deps.now() + deps.turnMs
  let run = from
  for (;;) {
    const answer = await deps.client.listCampaigns(run.nextPage)
    if (answer.status !== 'ok') return giveUpOrWait(run, answer, deps)
    const page = answer.value
    const next = await takePage(run, page, deps)
    if (next === undefined) return
    run = next
    if (run.nextPage === null) return concludeRun(run, page.total, deps)
    if (run.checked > maxCampaigns || page.campaigns.length === 0)
      return end(run, 'Mailivery’s list of campaigns does not end', deps)
    if (deps.now() >= turnEnds) throw new RetryAtError('more pages to read', deps.now())
  }
}

async function giveUpOrWait(run: Run, failure: MailiveryFailure, deps: ReconcileDeps): Promise<void> {
  const now = deps.now()
  const isPassing = failure.status === 'limited' || failure.status === 'unavailable'
  if (!isPassing || now - run.touchedAt > patienceMs) return end(run, failure.reason, deps)
  throw new RetryAtError(failure.reason, now + (failure.status === 'limited' ? failure.waitMs : retryMs))
}

function end(run: Run, error: string, { db, now }: ReconcileDeps): Promise<void> {
  return endRun(db, run.id, { state: 'failed', error, now: now() })
}

/** Corrects what a page shows. Returns undefined if another worker has taken the page. */
async function takePage(run: Run, page: CampaignPage, deps: ReconcileDeps): Promise<Run | undefined> {
  const { db, now } = deps
  const { owner, startedAt } = run
  const keys = page.campaigns.map(({ id }) => ({ owner, campaignId: id }))
  const stored = await readMailboxes(db, keys)
  const unknown = keys.filter((key) => !stored.has(mailboxKeyOf(key)))
  // A key sees the campaigns of its whole workspace.
  const foreign = await findOtherOwners(db, owner, unknown)
  const compared = page.campaigns.flatMap((campaign) => {
    if (foreign.has(campaign.id)) return []
    const mailbox = stored.get(mailboxKeyOf({ owner, campaignId: campaign.id }))
    const mayAdd = !deps.isKeyShared
    return [{ campaign, mailbox, ...compareCampaign(campaign, mailbox, { run: run.id, startedAt, mayAdd }) }]
  })
  const corrections = compared.flatMap(({ correction }) => correction ?? [])
  if (!run.isDry) await sendReadings(owner, corrections, deps.add)
  const own = compared.filter(({ mailbox, correction }) => mailbox !== undefined || correction !== undefined)
  await saveReadings(
    db,
    own.map(({ campaign }) => ({ owner, campaignId: campaign.id, statusCode: campaign.statusCode })),
    startedAt,
  )
  const counts: Partial<Record<Finding, number>> = {}
  for (const { finding } of compared) if (finding !== undefined) counts[finding] = (counts[finding] ?? 0) + 1
  return advanceRun(db, run, { checked: page.campaigns.length, counts, nextPage: page.next, now: now() })
}
