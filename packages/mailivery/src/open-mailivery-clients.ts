import type { BudgetDeps } from '@warmhook/peer/budget/create-budget'
import { createMailiveryClient, type MailiveryClient } from './create-mailivery-client.ts'
import type { MailiveryAccount } from './read-mailivery-accounts.ts'

/** Each owner's access to Mailivery's API; an owner without one is absent. */
export type MailiveryAccounts = ReadonlyMap<string, MailiveryAccount>

/** A client for each owner. Opens no connection. */
export function openMailiveryClients(
  accounts: MailiveryAccounts,
  deps: BudgetDeps,
): ReadonlyMap<string, MailiveryClient> {
  return new Map([...accounts].map(([owner, account]) => [owner, createMailiveryClient({ ...account, ...deps })]))
}
