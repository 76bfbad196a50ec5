import { createBoardClient } from '../board-client.ts'
import type { CliContext } from '../cli-context.ts'
import { parseBoardAddress } from '../env.ts'
import type { CrmPlan } from './crm-answers.ts'
import { describePlan, isComplete } from './describe-plan.ts'
import { findOwner } from './find-owner.ts'

export interface CrmOptions {
  readonly owner?: string
  readonly json?: true
}

/**
 * Prints which properties the CRM account lacks. Returns false if it lacks any.
 *
 * @throws CliError | EnvError
 */
export async function runCrmPlan(context: CliContext, options: CrmOptions): Promise<boolean> {
  const board = createBoardClient(parseBoardAddress(context.env))
  const owner = await findOwner(board, options.owner)
  const plan = await board.post<CrmPlan>(`/crm/${encodeURIComponent(owner)}/plan`)
  if (options.json === true) context.print(JSON.stringify({ owner, ...plan }))
  else for (const line of describePlan(plan)) context.print(line)
  if (options.json !== true && plan.missing.length > 0) context.print('To create them: npx warmhook crm apply')
  return isComplete(plan)
}
