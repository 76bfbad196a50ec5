import { setTimeout as delay } from 'node:timers/promises'
import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import { unclear, type AnswerClass } from './answer-class.ts'
import type { ContactRecord, ContactResult, UpsertTerms } from './crm-provider.ts'

type Records = readonly ContactRecord[]

/** What a call did with one of its contacts. */
export type RowResult =
  | Extract<ContactResult, { readonly status: 'written' | 'skipped' }>
  | { readonly status: 'failed'; readonly answerClass: AnswerClass }

/** What a call did. */
export type PartAnswer =
  /** By trace id. `nameless` is the class of an error that names no contact, and so may concern any without a result. */
  | { readonly isWhole: false; readonly rows: ReadonlyMap<string, RowResult>; readonly nameless?: AnswerClass }
  /** It wrote nothing. */
  | { readonly isWhole: true; readonly answerClass: AnswerClass }

export interface WriteDeps {
  /** For messages. */
  readonly label: string
  /** Writes one batch with as few calls as the vendor allows. */
  readonly write: (records: Records, signal: AbortSignal) => Promise<PartAnswer>
  /** Batches that are written at once. */
  readonly maxConcurrent: number
  /** Calls of `write` in one attempt. */
  readonly maxCalls: number
  readonly now: () => number
}

/** Cuts records into batches that are as full as possible: calls are what is scarce. */
export function fullBatches(records: Records, size: number): readonly Records[] {
  const count = Math.ceil(records.length / size)
  return Array.from({ length: count }, (_, index) => records.slice(index * size, (index + 1) * size))
}

/**
 * Writes full batches only, if there are any, and holds the rest for `waitMs`: while the budget is what limits, the rest
 * fills a later call together with others.
 */
export async function writeFullBatches(
  records: Records,
  size: number,
  waitMs: number,
  write: (batches: readonly Records[]) => Promise<ReadonlyMap<string, ContactResult>>,
): Promise<ReadonlyMap<string, ContactResult>> {
  const rest = records.slice(records.length - (records.length % size))
  if (waitMs === 0 || rest.length === 0 || records.length < size) return write(fullBatches(records, size))
  const results = await write(fullBatches(records.slice(0, records.length - rest.length), size))
  return new Map([...results, ...rest.map(({ traceId }) => [traceId, overBudget(waitMs)] as const)])
}

/** After so many failures in a row, the CRM is down: the rest of the attempt is left to the next one. */
const enoughFailures = 5

/** By then, another program's write of the same contact is finished. */
const conflictPauseMs = 1_000

/**
 * Writes batches so that a contact that the CRM rejects does not affect the others: a batch that is rejected because of
 * a contact is halved, and a fault that is not related to a contact ends the attempt.
 */
export async function writeInParts(
  batches: readonly Records[],
  { signal, isFirst }: Pick<UpsertTerms, 'signal' | 'isFirst'>,
  deps: WriteDeps,
): Promise<ReadonlyMap<string, ContactResult>> {
  const attempt = beginAttempt(deps, signal)
  const queue = [...batches]
  const next = queue[0]
  // No other call is made until the first one has shown that the account works.
  if (isFirst && next !== undefined) {
    queue.shift()
    await writeBatch(next, attempt)
  }
  if (!isFirst || attempt.isJudging) {
    const lanes = Array.from({ length: Math.min(deps.maxConcurrent, queue.length) }, async () => {
      for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
        if (attempt.failuresInARow >= enoughFailures) break
        await writeBatch(batch, attempt)
      }
    })
    await Promise.all(lanes)
  }
  await writeConflictsAgain(attempt)
  return conclude(batches.flat(), attempt)
}

interface Attempt extends WriteDeps {
  readonly signal: AbortSignal
  readonly results: Map<string, ContactResult>
  /** Contacts rejected individually, which may or may not be at fault. */
  readonly refused: { readonly traceId: string; readonly reason: string; readonly kind: string | undefined }[]
  readonly conflicts: ContactRecord[]
  callsLeft: number
  /** Batches one after the other of which nothing was written, without anything to blame. */
  failuresInARow: number
  hasWritten: boolean
  /** The CRM accepts or rejects individual contacts, so the account works. */
  isJudging: boolean
  isLastTry: boolean
  refusal: PeerRefusal | undefined
  /** The budget is used up for this long. */
  budgetWaitMs: number | undefined
}

function beginAttempt(deps: WriteDeps, signal: AbortSignal): Attempt {
  const flags = { hasWritten: false, isJudging: false, isLastTry: false }
  const stops = { refusal: undefined, budgetWaitMs: undefined }
  return {
    ...deps,
    ...flags,
    ...stops,
    signal,
    results: new Map(),
    refused: [],
    conflicts: [],
    callsLeft: deps.maxCalls,
    failuresInARow: 0,
  }
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
  const isFailure = batch.every(({ traceId }) => attempt.results.get(traceId)?.status === 'retry')
  attempt.failuresInARow = isFailure ? attempt.failuresInARow + 1 : 0
}

/**
 * Avoids calls for every half while the CRM is down: two single contacts show whether it accepts any. Each attempt
 * picks different ones, because these may be the ones that make it fail.
 */
function pickSome(batch: Records, now: number): readonly Records[] {
  const first = now % batch.length
  const second = (first + Math.ceil(batch.length / 2)) % batch.length
  return [...new Set([first, second])].map((index) => batch.slice(index, index + 1))
}

function withoutWritten(part: Records, { results }: Attempt): Records {
  return part.filter(({ traceId }) => !['written', 'skipped'].includes(results.get(traceId)?.status ?? ''))
}

function mustStop({ refusal, budgetWaitMs, callsLeft, signal, hasWritten, refused }: Attempt): boolean {
  const isPointless = !hasWritten && refused.length >= alikeEnough && kindOfAll(refused) !== undefined
  return refusal !== undefined || budgetWaitMs !== undefined || callsLeft <= 0 || signal.aborted || isPointless
}

async function writePart(part: Records, attempt: Attempt): Promise<Remainder> {
  if (part.length === 0) return nothing
  attempt.callsLeft -= 1
  const answer = await attempt.write(part, attempt.signal)
  return answer.isWhole ? settleWhole(part, answer.answerClass, attempt) : settleRows(part, answer, attempt)
}

function settleWhole(part: Records, answerClass: AnswerClass, attempt: Attempt): Remainder {
  if (answerClass.blames === 'account') attempt.refusal ??= answerClass.refusal
  if (answerClass.blames === 'contact' && part.length > 1) return { parts: halve(part), isDoubtful: false }
  for (const record of part) settleOne(record, answerClass, attempt)
  return answerClass.blames === 'unclear' && answerClass.splits ? { parts: halve(part), isDoubtful: true } : nothing
}

function settleRows(
  part: Records,
  { rows, nameless }: Extract<PartAnswer, { readonly isWhole: false }>,
  attempt: Attempt,
): Remainder {
  const isWritten = (row: RowResult): boolean => row.status !== 'failed'
  if ([...rows.values()].some(isWritten)) attempt.hasWritten = attempt.isJudging = true
  const left: ContactRecord[] = []
  for (const record of part) {
    const row = rows.get(record.traceId)
    if (row === undefined) left.push(record)
    else if (row.status === 'failed') settleOne(record, row.answerClass, attempt)
    else attempt.results.set(record.traceId, row)
  }
  return settleUnmentioned(left, nameless, part, attempt)
}

/** Settles contacts that the answer does not name. It may contain an error that names no contact. */
function settleUnmentioned(
  left: Records,
  nameless: AnswerClass | undefined,
  part: Records,
  attempt: Attempt,
): Remainder {
  const reason = `${attempt.label}'s answer does not mention the contact`
  const answerClass = nameless ?? unclear(reason)
  if (answerClass.blames === 'contact' && part.length > 1)
    return { parts: left.length === 1 ? [left] : halve(left), isDoubtful: false }
  for (const record of left) settleOne(record, answerClass, attempt)
  return nothing
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
    case 'budget':
      attempt.budgetWaitMs ??= answerClass.waitMs
      attempt.results.set(traceId, overBudget(answerClass.waitMs))
      return
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
  const { results, refused, refusal, hasWritten, budgetWaitMs } = attempt
  const reason =
    refusal?.reason ?? 'not tried yet: the calls of this attempt were used up by other contacts, or failed too often'
  const hold = { status: 'hold', reason, waitMs: refusal?.waitMs ?? nextMs } as const
  const untried: ContactResult =
    refusal !== undefined ? { ...hold, refusal } : budgetWaitMs === undefined ? hold : overBudget(budgetWaitMs)
  const all = new Map(records.map(({ traceId }) => [traceId, results.get(traceId) ?? untried]))
  if (hasWritten || refused.length < alikeAtLeast || kindOfAll(refused) === undefined) return all
  for (const each of refused) {
    const alike = `${each.reason} (${refused.length} contacts rejected alike, none written: check the account)`
    all.set(each.traceId, { status: 'hold', reason: alike, waitMs: alikeWaitMs })
  }
  return all
}

function overBudget(waitMs: number): ContactResult {
  return { status: 'hold', reason: "waiting for the account's rate budget", waitMs }
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
