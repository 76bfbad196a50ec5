import type { BudgetDeps } from '@warmhook/peer/budget/create-budget'
import { watchScarcity } from '@warmhook/peer/budget/watch-scarcity'
import { createPeerClient } from '@warmhook/peer/create-peer-client'
import { createPeerGate, type PeerGate, type PeerGateDeps } from '@warmhook/peer/create-peer-gate'
import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import { createCrmBreaker, type CrmBreaker } from '../create-crm-breaker.ts'
import { createCrmClient } from '../crm-client.ts'
import type { CrmProvider } from '../crm-provider.ts'
import { crmProviders } from '../providers.ts'
import { createAccountBudget } from './create-account-budget.ts'
import type { CrmAccount } from './crm-settings.ts'

/** An account as a process uses it. */
export interface OpenAccount {
  readonly provider: CrmProvider
  /** Writes through the provider, unless it keeps failing. */
  readonly breaker: CrmBreaker
  readonly gate: PeerGate
}

const limits = { requestMs: 10_000, maxAnswerBytes: 4 * 1024 * 1024 }
/** Longer than a call of the handler. */
const turnMs = 25_000

export interface AccountDeps extends Omit<PeerGateDeps, 'onLastingRefusal'>, BudgetDeps {
  /** Told once about each refusal that lasts. */
  readonly onLastingRefusal?: (account: CrmAccount, refusal: PeerRefusal) => Promise<void>
}

/** Returns each account's provider, breaker and gate, which are created once. */
export function openAccounts(deps: AccountDeps): (account: CrmAccount) => OpenAccount {
  const opened = new Map<string, OpenAccount>()

  function open(account: CrmAccount): OpenAccount {
    const { key, provider: name, access } = account
    const kind = crmProviders[name]
    const { budget, scarceForMs } = watchScarcity(createAccountBudget(key, kind, deps), deps.now)
    const client = createCrmClient({
      baseUrl: access.baseUrl,
      headers: kind.authorise(access.token),
      send: createPeerClient(limits),
      budget,
      readLimits: kind.readLimits,
    })
    const provider = kind.create(access, { client, scarceForMs, now: deps.now })
    const breaker = createCrmBreaker(provider, kind.label)
    const onLastingRefusal = async (refusal: PeerRefusal) => deps.onLastingRefusal?.(account, refusal)
    const gateDeps = { db: deps.db, log: deps.log, now: deps.now, onLastingRefusal }
    return { provider, breaker, gate: createPeerGate({ key, peer: name, calls: 'together', turnMs }, gateDeps) }
  }

  return (account) => {
    const known = opened.get(account.key) ?? open(account)
    opened.set(account.key, known)
    return known
  }
}
