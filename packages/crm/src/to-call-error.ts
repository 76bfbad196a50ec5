import type { AnswerClass } from './answer-class.ts'
import { CrmCallError } from './crm-provider.ts'

/** The error for a call that can't be retried by a queue: what went wrong, and what to do. */
export function toCallError(answerClass: AnswerClass): CrmCallError {
  switch (answerClass.blames) {
    case 'account':
      return new CrmCallError(answerClass.refusal.reason, answerClass.refusal)
    case 'budget': {
      const seconds = Math.ceil(answerClass.waitMs / 1_000)
      return new CrmCallError(`the account's rate budget is used up: try again in ${seconds} s`)
    }
    case 'contact':
    case 'unclear':
      return new CrmCallError(answerClass.reason)
  }
}
