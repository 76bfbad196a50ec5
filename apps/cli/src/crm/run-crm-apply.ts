import { confirm, isCancel } from '@clack/prompts'
import { createBoardClient } from '../board-client.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../cli-context.ts'
import { parseBoardAddress } from '../env.ts'
import type { CrmPlan } from './crm-answers.ts'
import { describePlan, isComplete } from './describe-plan.ts'
import { findOwner } from './find-owner.ts'
import type { CrmOptions } from './run-crm-plan.ts'

/**
 * Creates the properties that the CRM account lacks, after asking. Returns false if something is still in the way.
 *
 * @throws CliError | EnvError
 */
export async function runCrmApply(
  context: CliContext,
  options: CrmOptions & { readonly yes?: true },
): Promise<boolean> {
  const board = createBoardClient(parseBoardAddress(context.env))
  const owner = await findOwner(board, options.owner)
  const path = `/crm/${encodeURIComponent(owner)}`
  const plan = await board.post<CrmPlan>(`${path}/plan`)
  const show = (shown: CrmPlan): void => {
    if (options.json !== true) for (const line of describePlan(shown)) context.print(line)
  }
  show(plan)
  const created = plan.missing.map(({ name }) => name)
  let after = plan
  if (created.length > 0) {
    if (options.yes !== true) await ask(context, plan)
    after = await board.post<CrmPlan>(`${path}/apply`)
    // What the account refused because of the missing properties can be written now.
    await board.post(`${path}/resume`)
    show(after)
  }
  if (options.json === true) context.print(JSON.stringify({ owner, created, ...after }))
  return isComplete(after)
}

/** @throws CliError unless the person agrees */
async function ask({ isInteractive }: CliContext, { missing, provider }: CrmPlan): Promise<void> {
  if (!isInteractive) throw new CliError('Nothing was created: add --yes to create properties without being asked')
  const count = missing.length === 1 ? 'this property' : `these ${missing.length} properties`
  const agreed = await confirm({ message: `Create ${count} in ${provider}?` })
  if (isCancel(agreed) || !agreed) throw new CliError('Nothing was created')
}
