import { setTimeout as delay } from 'node:timers/promises'

interface Resource {
  readonly name: string
  readonly release: () => unknown
  readonly limitMs: number
}

/** At least one resource could not be released in time, or its release failed. */
export class ReleaseError extends AggregateError {
  override readonly name = 'ReleaseError'
}

/**
 * Owns the resources that a process has opened. They are released last in, first out, each within its own time limit;
 * a release that fails or hangs does not prevent the others.
 */
export class ResourceScope implements AsyncDisposable {
  readonly #resources: Resource[] = []
  #disposal: Promise<void> | undefined

  /** Registers the release of `name`, with a time limit of `limitMs`. */
  defer(name: string, release: () => unknown, limitMs = 5_000): void {
    this.#resources.push({ name, release, limitMs })
  }

  /** Registers an open resource and returns it. */
  use<T extends AsyncDisposable>(name: string, resource: T, limitMs = 5_000): T {
    this.defer(name, () => resource[Symbol.asyncDispose](), limitMs)
    return resource
  }

  /**
   * Runs `open`. If it fails, releases what it has opened so far, then throws.
   */
  static async build<T extends object>(open: (scope: ResourceScope) => Promise<T>): Promise<T & AsyncDisposable> {
    const scope = new ResourceScope()
    try {
      const built = await open(scope)
      // A copy: the result may be one of the scope's resources, with its own release.
      return { ...built, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() }
    } catch (error) {
      await scope[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Idempotent: a second call waits for the first. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#releaseAll()
    return this.#disposal
  }

  async #releaseAll(): Promise<void> {
    const failures: Error[] = []
    for (let resource = this.#resources.pop(); resource !== undefined; resource = this.#resources.pop()) {
      const failure = await releaseOne(resource)
      if (failure !== undefined) failures.push(failure)
    }
    if (failures.length > 0) throw new ReleaseError(failures, failures.map((failure) => failure.message).join('; '))
  }
}

async function releaseOne({ name, release, limitMs }: Resource): Promise<Error | undefined> {
  const timer = new AbortController()
  try {
    const late = delay(limitMs, 'late' as const, { signal: timer.signal, ref: true }).catch(() => 'in time' as const)
    const result = await Promise.race([Promise.resolve(release()).then(() => 'in time' as const), late])
    return result === 'late' ? new Error(`${name} was not released within ${limitMs} ms`) : undefined
  } catch (cause) {
    return new Error(`${name} could not be released: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  } finally {
    timer.abort()
  }
}
