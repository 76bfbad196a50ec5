import { inject } from 'vitest'

/** The services that the global setup started. */
export interface TestServices {
  readonly redisUrl: string
  readonly databaseUrl: string
}

declare module 'vitest' {
  // Vitest takes the names and types of provided values from this interface.
  interface ProvidedContext {
    readonly redisUrl: string
    readonly databaseUrl: string
  }
}

export function testServices(): TestServices {
  return { redisUrl: inject('redisUrl'), databaseUrl: inject('databaseUrl') }
}
