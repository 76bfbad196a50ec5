import type { Ledger } from '@warmhook/ledger/read-full-ledger'
import { isStopped, type OwnerState } from '@warmhook/crm/accounts/read-account-states'
import type { HandlerStatus } from '../read-handler-statuses.ts'
import { describeAge } from './describe-age.ts'

export interface Condition {
  readonly ledger: Ledger
  readonly handlers: readonly HandlerStatus[]
  /** Live workers that process the intake queue. */
  readonly intakeWorkers: number
  readonly crm: readonly OwnerState[]
}

/** What needs attention, the most severe first, one sentence each. */
export function describeConcerns({ ledger, handlers, intakeWorkers, crm }: Condition): readonly string[] {
  const running = handlers.filter(({ enabled, paused }) => enabled && !paused)
  return [
    ...(ledger.balanced ? [] : ['The ledger does not balance: run “npx warmhook doctor”.']),
    ...(intakeWorkers > 0 ? [] : ['No worker processes the intake queue: webhooks are stored but not processed.']),
    ...running
      .filter(({ workers }) => workers === 0)
      .map(({ name }) => `No worker processes the queue of ${name}: its events are waiting.`),
    ...crm.flatMap(describeAccount),
    ...handlers
      .filter(({ dead }) => dead > 0)
      .map(
        ({ name, dead }) =>
          `${dead === 1 ? '1 event is' : `${dead} events are`} dead in ${name}: fix the cause, then replay them.`,
      ),
    ...handlers
      .filter(({ failing }) => failing > 0)
      .map(({ name, failing, retryingAgeMs }) => {
        const events = failing === 1 ? '1 event' : `${failing} events`
        return `${name} is retrying ${events}, the oldest for ${describeAge(retryingAgeMs ?? 0)}.`
      }),
    ...handlers.filter(({ paused }) => paused).map(({ name }) => `${name} is paused: its events are waiting.`),
  ]
}

function describeAccount({ owner, provider, state, waiting, lastError }: OwnerState): readonly string[] {
  if (!isStopped(state)) return []
  const held = waiting === 1 ? '1 event is held' : `${waiting} events are held`
  return [`The ${provider} account of ${owner} is ${state}, and ${held}: ${lastError ?? 'no reason given'}.`]
}
