import { UnavailableError } from '@warmhook/queue/start-batch-worker'

/**
 * Runs an operation whose failures are always infrastructure failures. `what` is the service that it needs.
 *
 * @throws UnavailableError
 */
export async function orUnavailable<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    const message = `the ${what} is unreachable: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new UnavailableError(message, { cause })
  }
}
