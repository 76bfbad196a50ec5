import { inject } from 'vitest'

/** The services that the global set-up has started. */
export interface TestServices {
  readonly redisUrl: string
  readonly databaseUrl: string
}

declare module 'vitest' {
  // Vitest reads the names of what is provided from this interface.
  interface ProvidedContext {
    readonly redisUrl: string
    readonly databaseUrl: string
  }
}

export function testServices(): TestServices {
  return { redisUrl: inject('redisUrl'), databaseUrl: inject('databaseUrl') }
}
