import { setTimeout as delay } from 'node:timers/promises'
import type { GivenEvent, HandleEvents } from '@warmhook/handlers/handler'
import { isInfrastructureError } from '@warmhook/queue/is-infrastructure-error'
import { retry, type Outcome } from '@warmhook/queue/outcome'
import { UnavailableError } from '@warmhook/queue/start-batch-worker'
import { graceMs } from '@warmhook/queue/time-limits'

/**
 * Calls a handler with a time limit. An error applies to the whole batch, because it does not identify an event.
 *
 * @throws UnavailableError if the infrastructure failed: the outcome of the events is then unknown
 */
export async function callHandler(
  handle: HandleEvents,
  events: readonly GivenEvent[],
  { timeoutMs, signals }: { readonly timeoutMs: number; readonly signals: readonly AbortSignal[] },
): Promise<ReadonlyMap<string, Outcome>> {
  const signal = AbortSignal.any([...signals, AbortSignal.timeout(timeoutMs)])
  try {
    return await within(timeoutMs + graceMs, handle(events, signal))
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    if (isInfrastructureError(error)) throw new UnavailableError(reason, { cause: error })
    return new Map(events.map((event) => [event.id, retry(reason)]))
  }
}

async function within<T>(limitMs: number, result: Promise<T>): Promise<T> {
  const end = new AbortController()
  const late = delay(limitMs, undefined, { signal: end.signal, ref: false }).then(() => {
    throw new Error(`the handler took longer than ${limitMs} ms`)
  })
  try {
    return await Promise.race([result, late])
  } finally {
    end.abort()
  }
}
