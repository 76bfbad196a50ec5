import type { CrmProviderName } from '@warmhook/config/crm-fields'
import type { BudgetState } from '@warmhook/peer/budget/budget'
import type { BudgetDeps } from '@warmhook/peer/budget/create-budget'
import { countContacts, type ContactCounts } from '@warmhook/store/crm-accounts/count-contacts'
import { readCrmOwners, type CrmAccountRow, type CrmOwner } from '@warmhook/store/crm-accounts/crm-owners'
import type { Queryable } from '@warmhook/store/database'
import { readClosedGates, type ClosedGate } from '@warmhook/store/peer-gates/read-peer-gates'
import { crmProviders } from '../providers.ts'
import { createAccountBudget } from './create-account-budget.ts'

/** `off`: the owner has no account. */
export type AccountState = 'ok' | 'off' | ClosedGate['cause']

/** Whether an account refuses calls for a reason that need not pass by itself, as a limit does. */
export function isStopped(state: AccountState): boolean {
  return state === 'unauthorised' || state === 'misconfigured' || state === 'down'
}

/** An owner's account: whether it works, and how much of its work is done. */
export interface OwnerState extends ContactCounts {
  readonly owner: string
  readonly provider: CrmProviderName | null
  readonly mode: string | null
  readonly state: AccountState
  /** Why the account refuses calls, or why the latest event failed for good. */
  readonly lastError: string | null
  /** Since when the account has refused calls; null if it does not. */
  readonly since: string | null
  /** The scarcest of the account's limits; null without an account. */
  readonly budget: BudgetView | null
  readonly budgets: readonly (BudgetView & { readonly window: string })[]
}

/** A limit, with the time in ISO 8601. */
export interface BudgetView {
  readonly limit: number
  readonly remaining: number
  readonly resetsAt: string
}

export interface AccountStateDeps extends BudgetDeps {
  readonly db: Queryable
  /** The handler that writes contacts. */
  readonly handler: string
}

/** Reads the state of every owner's account. */
export async function readAccountStates(deps: AccountStateDeps): Promise<readonly OwnerState[]> {
  const { db, handler } = deps
  const owners = await readCrmOwners(db)
  if (owners.length === 0) return []
  // Owners can share an account.
  const accounts = new Map(owners.flatMap(({ account }) => (account === undefined ? [] : [[account.key, account]])))
  const [counts, gates, budgets] = await Promise.all([
    countContacts(db, handler),
    readClosedGates(db, [...accounts.keys()]),
    Promise.all([...accounts].map(async ([key, account]) => [key, await readBudgets(account, deps)] as const)),
  ])
  const known = { gates, budgets: new Map(budgets) }
  return owners.map((owner) => toOwnerState(owner, counts.get(owner.owner) ?? noContacts, known))
}

async function readBudgets({ key, provider: name }: CrmAccountRow, deps: BudgetDeps): Promise<readonly BudgetState[]> {
  const provider = toProvider(name)
  return provider === undefined ? [] : createAccountBudget(key, crmProviders[provider], deps).read()
}

const noContacts: ContactCounts = { synced: 0, failed: 0, waiting: 0, lastError: null }

interface AccountFigures {
  /** By the account's key. */
  readonly gates: ReadonlyMap<string, ClosedGate>
  readonly budgets: ReadonlyMap<string, readonly BudgetState[]>
}

function toOwnerState({ owner, account }: CrmOwner, counts: ContactCounts, known: AccountFigures): OwnerState {
  const provider = account && toProvider(account.provider)
  if (account === undefined || provider === undefined)
    return { owner, ...counts, provider: null, mode: null, state: 'off', since: null, budget: null, budgets: [] }
  const gate = known.gates.get(account.key)
  const budgets = known.budgets.get(account.key) ?? []
  const scarcest = budgets.toSorted((a, b) => a.remaining / a.limit - b.remaining / b.limit)[0]
  return {
    owner,
    ...counts,
    provider,
    mode: account.mode,
    state: gate?.cause ?? (scarcest?.remaining === 0 && counts.waiting > 0 ? 'limited' : 'ok'),
    lastError: gate?.reason ?? counts.lastError,
    since: gate?.since ?? null,
    budget: scarcest === undefined ? null : toView(scarcest),
    budgets: budgets.map((each) => ({ window: each.window, ...toView(each) })),
  }
}

/** Undefined for a provider of a later version. */
function toProvider(name: string): CrmProviderName | undefined {
  return Object.keys(crmProviders).includes(name) ? (name as CrmProviderName) : undefined
}

function toView({ limit, remaining, resetsAt }: BudgetState): BudgetView {
  return { limit, remaining, resetsAt: new Date(resetsAt).toISOString() }
}
