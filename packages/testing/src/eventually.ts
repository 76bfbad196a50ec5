import { setTimeout as delay } from 'node:timers/promises'

export interface EventuallyOptions {
  /** 5 s by default. */
  readonly timeoutMs?: number
  readonly intervalMs?: number
}

/**
 * Repeats an assertion until it holds, and resolves with its return value. An assertion fails by throwing or returning
 * `false`.
 *
 * @example await eventually(async () => expect(await countOf(queue)).toBe(0))
 */
export async function eventually<T>(assertion: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeoutMs = 5_000, intervalMs = 20 } = options
  const start = performance.now()
  for (let tries = 1; ; tries++) {
    const result = await attempt(assertion)
    if (result.holds) return result.value
    const elapsedMs = performance.now() - start
    if (elapsedMs > timeoutMs) {
      const { failure } = result
      const why = failure instanceof Error ? failure.message : String(failure)
      throw new Error(`did not hold within ${timeoutMs} ms (${tries} tries); the last failure: ${why}`, {
        cause: failure,
      })
    }
    await delay(intervalMs)
  }
}

type Attempt<T> = { readonly holds: true; readonly value: T } | { readonly holds: false; readonly failure: unknown }

async function attempt<T>(assertion: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    const value = await assertion()
    return value === false ? { holds: false, failure: 'it returned false' } : { holds: true, value }
  } catch (failure) {
    return { holds: false, failure }
  }
}
