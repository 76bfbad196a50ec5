import type { CrmProviderName } from '@warmhook/config/crm-fields'
import { countContacts, type ContactCounts } from '@warmhook/store/crm-accounts/count-contacts'
import { readCrmOwners, type CrmOwner } from '@warmhook/store/crm-accounts/crm-owners'
import type { Queryable } from '@warmhook/store/database'
import { readClosedGates, type ClosedGate } from '@warmhook/store/peer-gates/read-peer-gates'
import type { BudgetState } from '../budget/budget.ts'
import { createBudget, type BudgetDeps } from '../budget/create-budget.ts'
import { crmProviders } from '../providers.ts'

/** `off`: the owner has no account. */
export type AccountState = 'ok' | 'off' | ClosedGate['cause']

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
  const keys = [...new Set(owners.flatMap(({ account }) => account?.key ?? []))]
  const [counts, gates] = await Promise.all([countContacts(db, handler), readClosedGates(db, keys)])
  return Promise.all(owners.map((owner) => toOwnerState(owner, counts.get(owner.owner) ?? noContacts, gates, deps)))
}

const noContacts: ContactCounts = { synced: 0, failed: 0, waiting: 0, lastError: null }

async function toOwnerState(
  { owner, account }: CrmOwner,
  counts: ContactCounts,
  gates: ReadonlyMap<string, ClosedGate>,
  deps: BudgetDeps,
): Promise<OwnerState> {
  const provider = account && toProvider(account.provider)
  if (account === undefined || provider === undefined)
    return { owner, ...counts, provider: null, mode: null, state: 'off', since: null, budget: null, budgets: [] }
  const gate = gates.get(account.key)
  const budgets = await createBudget(account.key, crmProviders[provider].windows, deps).read()
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
