import { setTimeout as delay } from 'node:timers/promises'
import { spinner } from '@clack/prompts'
import type { RunView } from '@warmhook/store/reconciliations/list-runs'
import { findings, sumRepairs } from '@warmhook/store/reconciliations/runs'
import { createBoardClient, type BoardClient } from '../board-client.ts'
import type { CliContext } from '../cli-context.ts'
import { parseBoardAddress } from '../env.ts'

export interface ReconcileOptions {
  readonly owner?: string
  readonly dryRun?: true
  readonly acceptVanished?: true
  readonly json?: true
}

const pollMs = 500

/**
 * Reads all campaigns from Mailivery, corrects what webhooks missed, and prints what was found. Returns false if a reading
 * failed or waits for a person's word, or if a dry run finds something to correct.
 *
 * @throws CliError | EnvError
 */
export async function runReconcile(context: CliContext, options: ReconcileOptions): Promise<boolean> {
  const board = createBoardClient(parseBoardAddress(context.env))
  const { owner, dryRun = false, acceptVanished = false } = options
  const begun = await board.post<{ items: readonly RunView[] }>('/reconciliations', {
    ...(owner === undefined ? {} : { owner }),
    dryRun,
    acceptVanished,
  })
  const results = await waitForAll(begun.items, context, board)
  for (const result of results) context.print(options.json === true ? JSON.stringify(result) : describe(result))
  return results.every((result) => result.state === 'done' && !(dryRun && corrections(result) > 0))
}

async function waitForAll(
  begun: readonly RunView[],
  context: CliContext,
  board: BoardClient,
): Promise<readonly RunView[]> {
  const shown = context.isInteractive ? spinner() : undefined
  shown?.start('Reading campaigns')
  for (let runs = begun; ; await delay(pollMs)) {
    runs = await Promise.all(runs.map((run) => readRun(board, run)))
    shown?.message(`Reading campaigns: ${runs.reduce((sum, { checked }) => sum + checked, 0)} read`)
    if (runs.some(({ state }) => state === 'running')) continue
    shown?.stop('Campaigns read')
    return runs
  }
}

async function readRun(board: BoardClient, run: RunView): Promise<RunView> {
  if (run.state !== 'running') return run
  const { items } = await board.get<{ items: readonly RunView[] }>(`/reconciliations?id=${run.id}`)
  return items[0] ?? run
}

function corrections(run: RunView): number {
  return sumRepairs(run) + run.changed
}

function describe(run: RunView): string {
  const { owner, checked, error, dryRun } = run
  const found = findings.flatMap((finding) => (run[finding] === 0 ? [] : [`${run[finding]} ${finding}`]))
  const summary = found.length === 0 ? 'nothing to correct' : found.join(', ')
  const what = `${owner}: ${checked} campaigns read, ${summary}${dryRun ? ' (dry run)' : ''}`
  return error === null ? what : `${what}\n  ${error}`
}
