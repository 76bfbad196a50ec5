import { UnavailableError } from '@warmhook/queue/start-batch-worker'

/** Runs an operation whose failures are always infrastructure failures. */
export async function orUnavailable<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    throw new UnavailableError(
      `the deliveries can't be read or written: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}
