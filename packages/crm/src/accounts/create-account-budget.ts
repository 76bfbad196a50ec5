import type { Budget } from '@warmhook/peer/budget/budget'
import { createBudget, type BudgetDeps } from '@warmhook/peer/budget/create-budget'
import type { CrmProviderKind } from '../crm-provider.ts'

/** Creates the rate budget of a CRM account, which is found by the account's key. */
export function createAccountBudget(
  accountKey: string,
  { windows }: Pick<CrmProviderKind, 'windows'>,
  deps: BudgetDeps,
): Budget {
  return createBudget(`crm-budget:${accountKey}`, windows, deps)
}
