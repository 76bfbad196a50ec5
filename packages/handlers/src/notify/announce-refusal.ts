import { setTimeout as delay } from 'node:timers/promises'
import type { Secret } from '@warmhook/config/secret'
import { createPeerClient } from '@warmhook/peer/create-peer-client'
import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import type { HandlerDeps } from '../handler.ts'
import { createSlackGate } from './create-slack-gate.ts'
import { postToSlack, slackLimits, toVerdict } from './post-to-slack.ts'
import { toSlackText } from './to-slack-text.ts'

/** The account that refuses calls. */
export interface RefusingAccount {
  /** Such as `HubSpot`. */
  readonly label: string
  readonly owners: readonly string[]
}

/** Short enough for the end of a handler's call. */
const limitMs = 4_000
const betweenTriesMs = 500

const notTold = 'the refusal of an account could not be announced'

/** Announces in Slack that an account refuses calls. Tries for a few seconds; a failure is logged. */
export function createRefusalAnnouncer(
  url: Secret,
  { db, log, now }: Pick<HandlerDeps, 'db' | 'log' | 'now'>,
): (account: RefusingAccount, refusal: PeerRefusal) => Promise<void> {
  const gate = createSlackGate(url, { db, log, now })
  const post = createPeerClient(slackLimits)

  async function tryOnce(text: string, signal: AbortSignal): Promise<boolean> {
    const pass = await gate.enter()
    if (pass.status !== 'open') return false
    const result = await postToSlack(url, text, signal, { post, now })
    await pass.leave(toVerdict(result))
    return result.status === 'sent'
  }

  async function tryForAWhile(text: string): Promise<boolean> {
    const signal = AbortSignal.timeout(limitMs)
    while (!signal.aborted) {
      if (await tryOnce(text, signal)) return true
      await delay(betweenTriesMs)
    }
    return false
  }

  return async (account, refusal) => {
    const what = { peer: account.label, cause: refusal.cause }
    try {
      if (!(await tryForAWhile(describeRefusal(account, refusal)))) log.warn(what, notTold)
    } catch (error) {
      // The refusal itself is stored and shown; only its announcement failed.
      log.warn({ ...what, err: error }, notTold)
    }
  }
}

/** Long enough for a reason with its hint. */
const maxReasonLength = 700

function describeRefusal({ label, owners }: RefusingAccount, { cause, reason }: PeerRefusal): string {
  const named = owners.slice(0, 10).map((owner) => toSlackText(owner))
  const whose = named.length === 0 ? '' : ` of ${named.join(', ')}${owners.length > named.length ? ' and others' : ''}`
  const what = toSlackText(reason, maxReasonLength)
  return `:warning: The ${label} account${whose} is ${cause}: ${what}. Its events are held, none is lost.`
}
