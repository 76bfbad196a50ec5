import type { BatchPolicy } from './catalog.ts'

type Timed = Pick<BatchPolicy, 'timeoutMs'>

/** How long to wait for a call that ignores its signal. */
export const graceMs = 5_000
/** For the statements before and after a call, and for the job's Redis commands. */
const aroundMs = 5_000
/** A lost reply to a statement is detected after 12 s (`openPostgres`); one can occur before a call and one after. */
const lostStatementsMs = 24_000

/** A worker that has jobs and finishes none for this long is stuck. */
export function stuckAfterMs({ timeoutMs }: Timed): number {
  return timeoutMs + graceMs + lostStatementsMs
}

/** Workers stop concurrently: calls in progress get their policy's timeout, and unstarted work is handed back. */
export function workersStopMs(policies: readonly Timed[]): number {
  return Math.max(...policies.map(({ timeoutMs }) => timeoutMs)) + graceMs + aroundMs
}
