import type { AnswerClass } from './answer-class.ts'
import { CrmCallError } from './crm-provider.ts'

/** The error for a call that can't be retried by a queue: what went wrong, and what to do. */
export function toCallError(answerClass: AnswerClass): CrmCallError {
  switch (answerClass.blames) {
    case 'account':
      return new CrmCallError(answerClass.refusal.reason, { refusal: answerClass.refusal })
    case 'budget': {
      const { waitMs } = answerClass
      const seconds = Math.ceil(waitMs / 1_000)
      return new CrmCallError(`the account's rate budget is used up: try again in ${seconds} s`, { waitMs })
    }
    case 'contact':
    case 'unclear':
      return new CrmCallError(answerClass.reason)
  }
}
