import { setTimeout as delay } from 'node:timers/promises'
import { progress } from '@clack/prompts'
import { BusyError, createBoardClient, type BoardClient } from '../board-client.ts'
import type { CliContext } from '../cli-context.ts'
import { parseBoardAddress } from '../env.ts'
import type { CrmComparison, Stats } from './crm-answers.ts'
import { findOwner } from './find-owner.ts'
import type { CrmOptions } from './run-crm-plan.ts'

interface SyncOptions extends CrmOptions {
  readonly dryRun?: true
}

/**
 * Compares all contacts of an owner with the CRM and prints the differences. Unless it is a dry run, repairs are
 * queued for the workers, which write them within the account's rate budget. Returns false if a dry run finds any.
 *
 * @throws CliError | EnvError
 */
export async function runCrmSync(context: CliContext, options: SyncOptions): Promise<boolean> {
  const board = createBoardClient(parseBoardAddress(context.env))
  const owner = await findOwner(board, options.owner)
  const isDry = options.dryRun === true
  const bar = await openBar(context, board)
  let checked = 0
  let different = 0
  let queued = 0
  for (let after: number | null = 0; after !== null;) {
    const page: CrmComparison = await comparePage(board, owner, { after, dryRun: isDry })
    checked += page.checked
    different += page.differences.length
    queued += page.queued
    bar.advance(page.checked)
    for (const difference of page.differences)
      context.print(options.json === true ? JSON.stringify(difference) : describe(difference))
    after = page.next
  }
  bar.stop()
  const summary = `${checked} mailboxes checked, ${different} contacts differ${isDry ? '' : `, ${queued} repairs queued`}`
  context.print(options.json === true ? JSON.stringify({ owner, checked, different, queued }) : summary)
  return !isDry || different === 0
}

/** While the account's budget is used up, the board says so; contacts of other programs count, too. */
const maxTries = 30
const againMs = 2_000

async function comparePage(board: BoardClient, owner: string, request: object): Promise<CrmComparison> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await board.post<CrmComparison>(`/crm/${encodeURIComponent(owner)}/comparison`, request)
    } catch (error) {
      if (!(error instanceof BusyError) || tries === maxTries) throw error
      await delay(againMs)
    }
  }
}

interface Bar {
  readonly advance: (steps: number) => void
  readonly stop: () => void
}

async function openBar({ isInteractive }: CliContext, board: BoardClient): Promise<Bar> {
  if (!isInteractive) return { advance: () => undefined, stop: () => undefined }
  const { mailboxes } = await board.get<Stats>('/stats')
  const max = Math.max(
    1,
    Object.values(mailboxes).reduce((sum, count) => sum + count, 0),
  )
  const bar = progress({ max })
  bar.start('Comparing contacts')
  return { advance: (steps) => bar.advance(steps), stop: () => bar.stop('Compared') }
}

function describe({ email, campaignId, isMissing, properties }: CrmComparison['differences'][number]): string {
  if (isMissing) return `${email} (campaign ${campaignId}): not in the CRM`
  const changes = properties.map(
    ({ property, inCrm, expected }) => `${property} is ${JSON.stringify(inCrm)}, expected ${JSON.stringify(expected)}`,
  )
  return `${email} (campaign ${campaignId}): ${changes.join('; ')}`
}
