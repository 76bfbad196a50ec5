import type { BudgetDeps } from '@warmhook/peer/budget/create-budget'
import { createMailiveryClient, type MailiveryClient } from './create-mailivery-client.ts'
import type { MailiveryAccount, MailiveryAccounts } from './read-mailivery-accounts.ts'

/** The client of each owner; owners with the same key share one. Opens no connection. */
export function openMailiveryClients(
  accounts: MailiveryAccounts,
  deps: BudgetDeps,
): ReadonlyMap<string, MailiveryClient> {
  const clients = new Map<string, MailiveryClient>()
  const clientOf = (account: MailiveryAccount): MailiveryClient => {
    const key = JSON.stringify([account.baseUrl, account.apiKey.reveal()])
    const client = clients.get(key) ?? createMailiveryClient({ ...account, ...deps })
    clients.set(key, client)
    return client
  }
  return new Map([...accounts].map(([owner, account]) => [owner, clientOf(account)]))
}
