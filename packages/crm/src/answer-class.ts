import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import type { CrmAnswer } from './crm-client.ts'

/** What caused a call, or one row of it, to write nothing. */
export type AnswerClass =
  /** The account: every contact would have been refused, so nothing more is sent. */
  | { readonly blames: 'account'; readonly refusal: PeerRefusal }
  /** At least one contact of the call. Similar refusals share a `kind`; undefined: certainly the contact's fault. */
  | {
      readonly blames: 'contact'
      readonly reason: string
      readonly kind: string | undefined
      /** Another program was writing the contact at the same time. */
      readonly isConflict: boolean
    }
  /** The CRM, or a contact that makes it fail. `splits`: splitting the batch shows which. */
  | { readonly blames: 'unclear'; readonly reason: string; readonly splits: boolean }
  /** Nobody: the call was not sent, because the account's budget is used up. */
  | { readonly blames: 'budget'; readonly waitMs: number }

/** Why there is no answer from the CRM. */
export type Silence = Extract<CrmAnswer, { readonly status: string }>

/** For properties that are missing, or that can't hold their values. */
export const propertyHint =
  'run `warmhook crm plan` to see which properties differ, and `warmhook crm apply` to create what is missing'

export const secondMs = 1_000
export const minuteMs = 60 * secondMs
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

/** Classifies a call without an answer. `hint` says what to check if the CRM is unreachable. */
export function classifySilence(silence: Silence, label: string, hint: string): AnswerClass {
  switch (silence.status) {
    case 'over budget':
      return { blames: 'budget', waitMs: silence.waitMs }
    case 'none':
      if (silence.isSent) return unclear(`${label} did not answer: ${silence.fault}`)
      return down(`${label} is unreachable: ${silence.fault} (${hint})`, secondMs)
  }
}

/** The vendor's fault, or one that a contact causes. `splits`: splitting the batch shows which. */
export function unclear(reason: string, splits = false): AnswerClass {
  return { blames: 'unclear', reason, splits }
}

/** The vendor's rate limit. */
export function limited(reason: string, waitMs: number): AnswerClass {
  return { blames: 'account', refusal: { cause: 'limited', reason, waitMs, maxWaitMs: waitMs } }
}

/** The vendor does not accept the credentials or their rights. */
export function unauthorised(reason: string, hint: string): AnswerClass {
  return refused('unauthorised', `${reason} (${hint})`)
}

/** The account lacks what Warmhook writes to, or this is not the vendor's API. */
export function misconfigured(reason: string, hint: string, waitMs = minuteMs): AnswerClass {
  return refused('misconfigured', `${reason} (${hint})`, waitMs)
}

function down(reason: string, waitMs: number): AnswerClass {
  return refused('down', reason, waitMs)
}

function refused(cause: PeerRefusal['cause'], reason: string, waitMs = minuteMs): AnswerClass {
  return { blames: 'account', refusal: { cause, reason, waitMs, maxWaitMs: minuteMs } }
}
