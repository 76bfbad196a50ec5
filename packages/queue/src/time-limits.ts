import type { BatchPolicy } from './catalog.ts'

type Timed = Pick<BatchPolicy, 'timeoutMs'>

/** How long a call that does not heed its signal is waited for. */
export const graceMs = 5_000
/** For the statements before and after a call, and for what a job and Redis have to tell each other. */
const aroundMs = 5_000
/** A statement whose answer was lost is noticed after 12 s (`openPostgres`): there can be one before a call, and one after. */
const lostStatementsMs = 24_000

/** After so long without the end of a job, a worker that has jobs is stuck. */
export function stuckAfterMs({ timeoutMs }: Timed): number {
  return timeoutMs + graceMs + lostStatementsMs
}

/** Workers stop side by side: calls in progress get the time of their policy, and what has not begun is handed back. */
export function workersStopMs(policies: readonly Timed[]): number {
  return Math.max(...policies.map(({ timeoutMs }) => timeoutMs)) + graceMs + aroundMs
}
