/** A server used by tests. Disposing it stops it and removes its data. */
export interface TestService extends AsyncDisposable {
  readonly url: string
}

/** One way to obtain a service. */
export interface ServiceSource {
  /** Completes "… from ". */
  readonly name: string
  /**
   * Undefined means that this source is unavailable here, which is not reported. A failure is, before the next source
   * is tried.
   */
  readonly start: () => Promise<TestService | undefined>
}

/** Starts the service from the first available source. */
export async function startFirst(
  what: string,
  sources: readonly ServiceSource[],
  log: (line: string) => void,
): Promise<TestService> {
  const failures: unknown[] = []
  for (const { name, start } of sources) {
    try {
      const service = await start()
      if (service !== undefined) return service
    } catch (error) {
      failures.push(error)
      log(`no ${what} from ${name}: ${firstLine(error)}`)
    }
  }
  throw new AggregateError(
    failures,
    `no ${what} for the tests: run "node scripts/setup.mjs --tests", or see CONTRIBUTING.md`,
  )
}

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return line
}
