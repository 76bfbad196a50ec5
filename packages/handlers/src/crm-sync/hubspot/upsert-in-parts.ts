import { setTimeout as delay } from 'node:timers/promises'
import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import type { PeerAnswer } from '../../peer/create-peer-client.ts'
import type { ContactRecord, ContactResult, UpsertTerms } from '../crm-provider.ts'
import { classifyAnswer, classifyRow, type AnswerClass } from './classify-answer.ts'
import { readBatchAnswer, type BatchAnswer } from './read-batch-answer.ts'
import { parseBody } from './read-problem.ts'

type Records = readonly ContactRecord[]

export interface UpsertDeps {
  /** Sends one batch. */
  readonly upsert: (records: Records, signal: AbortSignal) => Promise<PeerAnswer>
  readonly now: () => number
}

/** A rejected batch is halved until the bad contact is isolated. If all are bad, that takes two calls for each. */
const maxCalls = 64
/** By then, another program's write of the same contact is finished. */
const conflictPauseMs = 1_000

/**
 * Writes batches so that a contact that HubSpot rejects does not affect the others: a batch that is rejected because of
 * a contact is halved, and a fault that is not related to a contact ends the attempt.
 */
export async function upsertInParts(
  batches: readonly Records[],
  { signal, isFirst }: UpsertTerms,
  { upsert, now }: UpsertDeps,
): Promise<ReadonlyMap<string, ContactResult>> {
  const attempt = beginAttempt(upsert, signal, now)
  const [first = [], ...others] = batches
  if (isFirst) await writeBatch(first, attempt)
  // No other call is made until the first one has shown that the account works.
  if (!isFirst || attempt.isJudging)
    await Promise.all((isFirst ? others : batches).map((each) => writeBatch(each, attempt)))
  await writeConflictsAgain(attempt)
  return conclude(batches.flat(), attempt)
}

interface Attempt extends UpsertDeps {
  readonly signal: AbortSignal
  readonly results: Map<string, ContactResult>
  /** Contacts rejected individually, which may or may not be at fault. */
  readonly refused: { readonly traceId: string; readonly reason: string; readonly kind: string | undefined }[]
  readonly conflicts: ContactRecord[]
  callsLeft: number
  hasWritten: boolean
  /** HubSpot accepts or rejects individual contacts, so the account works. */
  isJudging: boolean
  isLastTry: boolean
  refusal: PeerRefusal | undefined
}

function beginAttempt(upsert: UpsertDeps['upsert'], signal: AbortSignal, now: () => number): Attempt {
  const state = { callsLeft: maxCalls, hasWritten: false, isJudging: false, isLastTry: false, refusal: undefined }
  return { upsert, signal, now, results: new Map(), refused: [], conflicts: [], ...state }
}

/** The contacts of a part that are still to be sent. */
interface Remainder {
  readonly parts: readonly Records[]
  /** The part may have been rejected for a reason that is not related to a contact. */
  readonly isDoubtful: boolean
}

const nothing: Remainder = { parts: [], isDoubtful: false }

async function writeBatch(batch: Records, attempt: Attempt): Promise<void> {
  const parts: Records[] = [batch]
  const doubtful: Records[] = []
  for (let part = parts.pop(); part !== undefined && !mustStop(attempt); part = parts.pop()) {
    const left = await writePart(part, attempt)
    if (!left.isDoubtful || attempt.hasWritten) parts.push(...left.parts.toReversed())
    else {
      doubtful.push(...left.parts)
      if (part === batch) parts.push(...pickSome(batch, attempt.now()))
    }
    if (attempt.hasWritten) parts.push(...doubtful.splice(0).map((each) => withoutWritten(each, attempt)))
  }
}

/**
 * Avoids calls for every half while HubSpot is down: two single contacts show whether it accepts any. Each attempt
 * picks different ones, because these may be the ones that make it fail.
 */
function pickSome(batch: Records, now: number): readonly Records[] {
  const first = now % batch.length
  const second = (first + Math.ceil(batch.length / 2)) % batch.length
  return [...new Set([first, second])].map((index) => batch.slice(index, index + 1))
}

function withoutWritten(part: Records, { results }: Attempt): Records {
  return part.filter(({ traceId }) => results.get(traceId)?.status !== 'written')
}

function mustStop({ refusal, callsLeft, signal, hasWritten, refused }: Attempt): boolean {
  const isPointless = !hasWritten && refused.length >= alikeEnough && kindOfAll(refused) !== undefined
  return refusal !== undefined || callsLeft <= 0 || signal.aborted || isPointless
}

async function writePart(part: Records, attempt: Attempt): Promise<Remainder> {
  if (part.length === 0) return nothing
  attempt.callsLeft -= 1
  const answer = await attempt.upsert(part, attempt.signal)
  const isSuccess = answer.status !== 'none' && answer.status >= 200 && answer.status < 300
  const rows = isSuccess ? readBatchAnswer(part, parseBody(answer.body)) : undefined
  return rows === undefined
    ? settleWhole(part, classifyAnswer(answer, attempt.now()), attempt)
    : settleRows(part, rows, attempt)
}

function settleWhole(part: Records, answerClass: AnswerClass, attempt: Attempt): Remainder {
  if (answerClass.blames === 'account') attempt.refusal ??= answerClass.refusal
  if (answerClass.blames === 'contact' && part.length > 1) return { parts: halve(part), isDoubtful: false }
  for (const record of part) settleOne(record, answerClass, attempt)
  return answerClass.blames === 'unclear' && answerClass.splits ? { parts: halve(part), isDoubtful: true } : nothing
}

function settleRows(part: Records, { written, failed, nameless }: BatchAnswer, attempt: Attempt): Remainder {
  if (written.size > 0) attempt.hasWritten = attempt.isJudging = true
  const left: ContactRecord[] = []
  for (const record of part) {
    const remoteId = written.get(record.traceId)
    const row = failed.get(record.traceId)
    if (remoteId !== undefined) attempt.results.set(record.traceId, { status: 'written', remoteId })
    else if (row !== undefined) settleOne(record, classifyRow(row), attempt)
    else left.push(record)
  }
  return settleUnmentioned(left, nameless[0], part, attempt)
}

/** Settles contacts that the answer does not name. It may contain an error that names no contact. */
function settleUnmentioned(left: Records, nameless: unknown, part: Records, attempt: Attempt): Remainder {
  const answerClass: AnswerClass = nameless === undefined ? unmentioned : classifyRow(nameless)
  if (answerClass.blames === 'contact' && part.length > 1)
    return { parts: left.length === 1 ? [left] : halve(left), isDoubtful: false }
  for (const record of left) settleOne(record, answerClass, attempt)
  return nothing
}

const unmentioned: AnswerClass = {
  blames: 'unclear',
  reason: "HubSpot's answer does not mention the contact",
  splits: false,
}

function settleOne(record: ContactRecord, answerClass: AnswerClass, attempt: Attempt): void {
  const { traceId } = record
  switch (answerClass.blames) {
    case 'account': {
      const { refusal } = answerClass
      // A row refuses the whole account only if no other contact was written.
      if (!attempt.hasWritten || refusal.cause === 'limited') attempt.refusal ??= refusal
      attempt.results.set(traceId, { status: 'hold', reason: refusal.reason, waitMs: refusal.waitMs, refusal })
      return
    }
    case 'unclear':
      attempt.results.set(traceId, { status: 'retry', reason: answerClass.reason })
      return
    case 'contact':
      attempt.isJudging = true
      if (answerClass.isConflict && !attempt.isLastTry) {
        attempt.conflicts.push(record)
        attempt.results.set(traceId, { status: 'retry', reason: answerClass.reason })
        return
      }
      attempt.refused.push({ traceId, reason: answerClass.reason, kind: answerClass.kind })
      attempt.results.set(traceId, { status: 'rejected', reason: answerClass.reason })
  }
}

/** Two programs that create a contact at the same time conflict once; a persistent conflict is the contact's fault. */
async function writeConflictsAgain(attempt: Attempt): Promise<void> {
  if (attempt.conflicts.length === 0 || mustStop(attempt)) return
  attempt.isLastTry = true
  await delay(conflictPauseMs)
  for (const record of attempt.conflicts) if (!mustStop(attempt)) await writePart([record], attempt)
}

/** If this many contacts are rejected for the same reason and none is written, the account is probably at fault. */
const alikeAtLeast = 3
/** After this many similar rejections, the attempt stops. */
const alikeEnough = 8
const alikeWaitMs = 60_000
/** Wait for contacts that the attempt did not get to. */
const nextMs = 1_000

function conclude(records: Records, attempt: Attempt): ReadonlyMap<string, ContactResult> {
  const { results, refused, refusal, hasWritten } = attempt
  const reason = refusal?.reason ?? 'not tried yet: the call limit of this attempt was used up by other contacts'
  const hold = { status: 'hold', reason, waitMs: refusal?.waitMs ?? nextMs } as const
  const untried: ContactResult = refusal === undefined ? hold : { ...hold, refusal }
  const all = new Map(records.map(({ traceId }) => [traceId, results.get(traceId) ?? untried]))
  if (hasWritten || refused.length < alikeAtLeast || kindOfAll(refused) === undefined) return all
  for (const each of refused) {
    const alike = `${each.reason} (${refused.length} contacts rejected alike, none written: check the account)`
    all.set(each.traceId, { status: 'hold', reason: alike, waitMs: alikeWaitMs })
  }
  return all
}

function kindOfAll(refused: Attempt['refused']): string | undefined {
  const kind = refused[0]?.kind
  return refused.every((each) => each.kind === kind) ? kind : undefined
}

function halve(records: Records): readonly Records[] {
  if (records.length < 2) return []
  const middle = Math.ceil(records.length / 2)
  return [records.slice(0, middle), records.slice(middle)]
}
