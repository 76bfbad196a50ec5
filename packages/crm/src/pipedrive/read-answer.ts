import type { z } from 'zod'
import type { AnswerClass } from '../answer-class.ts'
import type { CrmAnswer } from '../crm-client.ts'
import { readSuccess } from '../read-success.ts'
import { toCallError } from '../to-call-error.ts'
import { classifyAnswer } from './classify-answer.ts'

/** What a call found out, or why it found out nothing. */
export type Found<Value> =
  | { readonly isFound: true; readonly value: Value }
  | { readonly isFound: false; readonly answerClass: AnswerClass }

/** Reads a successful answer by its schema; anything else is classified. */
export function readAnswer<Schema extends z.ZodType>(
  answer: CrmAnswer,
  schema: Schema,
  now: number,
): Found<z.output<Schema>> {
  const value = readSuccess(answer, schema)
  return value === undefined ? failed(classifyAnswer(answer, now)) : found(value)
}

/** The result of a call that succeeded. */
export function found<Value>(value: Value): Found<Value> {
  return { isFound: true, value }
}

/** The result of a call that failed. */
export function failed(answerClass: AnswerClass): Found<never> {
  return { isFound: false, answerClass }
}

/**
 * The value of a result, for calls that no queue retries.
 *
 * @throws CrmCallError
 */
export function requireFound<Value>(result: Found<Value>): Value {
  if (!result.isFound) throw toCallError(result.answerClass)
  return result.value
}
