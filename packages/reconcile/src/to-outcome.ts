import type { MailiveryFailure } from '@warmhook/mailivery/mailivery-result'
import { hold, retry, type Outcome } from '@warmhook/queue/outcome'

/** A failure that a later call can overcome. */
type PassingFailure = Extract<MailiveryFailure, { readonly status: 'limited' | 'unauthorised' | 'unavailable' }>

/** How long to wait before asking again with a key that Mailivery refuses. */
const refusedMs = 5 * 60_000

/** When a handler tries a call to Mailivery again. A limit or a refused key uses up no attempts. `now` is in ms since the epoch. */
export function toOutcome(failure: PassingFailure, now: number): Outcome {
  switch (failure.status) {
    case 'limited':
      return hold(failure.reason, now + failure.waitMs)
    case 'unauthorised':
      return hold(failure.reason, now + refusedMs)
    case 'unavailable':
      return retry(failure.reason)
  }
}
