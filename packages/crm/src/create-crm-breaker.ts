import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhenResult, isBrokenCircuitError } from 'cockatiel'
import type { ContactRecord, ContactResult, CrmProvider } from './crm-provider.ts'

/** Tells when the writes of an account should be suspended because they keep failing. */
export interface CrmBreaker {
  /** Writes contacts. While the breaker is open, one call tries, and the contacts of others are held. */
  readonly upsertMany: CrmProvider['upsertMany']
  /** Why the account's gate should be closed to all workers; undefined while the breaker is closed. */
  readonly refusal: () => PeerRefusal | undefined
}

const failuresInARow = 5
/** The account's gate keeps all workers waiting, this one included: whoever comes through it is to try. */
const openMs = 1
/** Waits grow with the outage, from the first to the second. */
const suspendedMs = { least: 5_000, most: 30_000 }
/** For calls that came through the gate together with the one that tries. */
const busyMs = 1_000

/**
 * Opens after five attempts in a row that wrote nothing, without the account or a contact being to blame. It observes
 * attempts, not calls: one bad contact can make many calls fail that narrow it down.
 */
export function createCrmBreaker({ upsertMany }: Pick<CrmProvider, 'upsertMany'>, label: string): CrmBreaker {
  const policy = circuitBreaker(handleWhenResult(isFailure), {
    breaker: new ConsecutiveBreaker(failuresInARow),
    halfOpenAfter: openMs,
  })
  const reason = `${label} keeps failing: ${failuresInARow} attempts in a row wrote nothing`
  const refusal = { cause: 'down', reason, waitMs: suspendedMs.least, maxWaitMs: suspendedMs.most } as const
  return {
    async upsertMany(records, terms) {
      try {
        return await policy.execute(() => upsertMany(records, terms))
      } catch (error) {
        if (!isBrokenCircuitError(error)) throw error
        return holdAll(records, refusal)
      }
    },
    refusal: () => (policy.state === CircuitState.Open ? refusal : undefined),
  }
}

function isFailure(results: unknown): boolean {
  const all = [...(results as ReadonlyMap<string, ContactResult>).values()]
  // The rest of an attempt that failed too often is held without being tried.
  const isBlameless = (each: ContactResult): boolean => each.status === 'hold' && each.refusal === undefined
  return (
    all.some(({ status }) => status === 'retry') && all.every((each) => each.status === 'retry' || isBlameless(each))
  )
}

function holdAll(records: readonly ContactRecord[], refusal: PeerRefusal): ReadonlyMap<string, ContactResult> {
  const held = { status: 'hold', reason: refusal.reason, waitMs: busyMs } as const
  return new Map(records.map(({ traceId }) => [traceId, held]))
}
