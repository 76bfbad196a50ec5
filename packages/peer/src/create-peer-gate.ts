import { randomUUID } from 'node:crypto'
import { hold, type Outcome } from '@warmhook/queue/outcome'
import type { Database } from '@warmhook/store/database'
import { enterPeerGate, type PeerEntry, type PeerEntryResult } from '@warmhook/store/peer-gates/enter-peer-gate'
import { closePeerGate, endPeerTurn, openPeerGate, type PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import type { Logger } from '@warmhook/telemetry/logger'

export interface PeerGateDeps {
  readonly db: Database
  readonly log: Logger
  readonly now: () => number
  /** Told once about each refusal that lasts: at once if only a person can end it, otherwise after some tries. */
  readonly onLastingRefusal?: (refusal: PeerRefusal) => Promise<void>
}

/** The state of the account as found during a pass. */
export type PeerVerdict = 'answers' | 'unknown' | PeerRefusal

export type PeerPass =
  | {
      readonly status: 'open'
      /** The first pass after the gate was closed: one call, before any other. */
      readonly isFirst: boolean
      /** Must be called once, whatever happens. */
      readonly leave: (verdict: PeerVerdict) => Promise<void>
    }
  /** `outcome` applies to every event that would have been sent. */
  | { readonly status: 'closed'; readonly outcome: Outcome; readonly waitMs: number }
  /** Another worker is calling. */
  | { readonly status: 'taken'; readonly outcome: Outcome }

/** Guards one account of a peer for all workers: while the account refuses calls, nothing is sent to it. */
export interface PeerGate {
  readonly enter: () => Promise<PeerPass>
}

/** Refusals with shorter waits may pass by themselves. */
const lastingMs = 60_000
const lastingRefusals = 5

/** How long to hold events while another worker is calling. */
const takenMs = 1_000

export function createPeerGate(
  account: Pick<PeerEntry, 'key' | 'peer' | 'calls' | 'turnMs'>,
  { db, log, now, onLastingRefusal }: PeerGateDeps,
): PeerGate {
  const { key, peer } = account

  async function close(turnId: string, refusal: PeerRefusal): Promise<void> {
    const { cause, reason, waitMs } = refusal
    const refusals = await closePeerGate(db, account, turnId, refusal)
    if (refusals === 1) log.warn({ peer, cause, reason, waitMs }, 'peer refuses: its events are held')
    if (cause !== 'limited' && refusals === (waitMs >= lastingMs ? 1 : lastingRefusals))
      await onLastingRefusal?.(refusal)
  }

  async function open(turnId: string): Promise<void> {
    const past = await openPeerGate(db, key, turnId)
    if (past !== undefined) log.info({ peer, ...past }, 'peer answers again: its held events are released')
  }

  function pass(turnId: string, { status }: PeerEntryResult): PeerPass {
    const hasTurn = status === 'turn'
    return {
      status: 'open',
      isFirst: hasTurn && account.calls === 'together',
      leave: async (verdict) => {
        if (typeof verdict !== 'string') await close(turnId, verdict)
        else if (hasTurn) await (verdict === 'answers' ? open(turnId) : endPeerTurn(db, key, turnId))
      },
    }
  }

  return {
    async enter() {
      const turnId = randomUUID()
      const entry = await enterPeerGate(db, { ...account, turnId })
      switch (entry.status) {
        case 'open':
        case 'turn':
          return pass(turnId, entry)
        case 'closed': {
          const { reason, waitMs } = entry
          return { status: 'closed', outcome: hold(reason ?? 'calls are spaced out', now() + waitMs), waitMs }
        }
        case 'taken':
          return { status: 'taken', outcome: hold(entry.reason ?? 'another worker is sending', now() + takenMs) }
      }
    },
  }
}
