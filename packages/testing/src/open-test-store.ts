import type { Database } from '@warmhook/store/database'
import { migrate } from '@warmhook/store/migrate'
import { openPostgres } from '@warmhook/store/open-database'
import { openPglite } from '@warmhook/store/pglite/open-pglite'
import { createDatabase } from './create-database.ts'
import { createTestDatabase } from './create-test-database.ts'

/** Every query has to work on all of these engines. */
export const engines = ['postgres', 'pglite'] as const
export type Engine = (typeof engines)[number]

/** A migrated database for one test. Disposing it closes and removes it. */
export interface TestStore extends AsyncDisposable {
  readonly db: Database
}

/** Opens an empty store on a Postgres, by default that of the tests, or on an in-memory PGlite. */
export async function openTestStore(engine: Engine = 'postgres', postgresUrl?: string): Promise<TestStore> {
  return engine === 'pglite' ? openMigrated(await openPglite()) : openOnPostgres(postgresUrl)
}

async function openOnPostgres(postgresUrl: string | undefined): Promise<TestStore> {
  const database = postgresUrl === undefined ? await createTestDatabase() : await createDatabase(postgresUrl)
  // Dropping the database below closes idle connections on purpose.
  const db = openPostgres({ use: 'lookups', url: database.url, poolSize: 8, onError: () => undefined })
  return openMigrated(db, database)
}

async function openMigrated(db: Database, database?: AsyncDisposable): Promise<TestStore> {
  await migrate(db)
  return {
    db,
    async [Symbol.asyncDispose]() {
      await db.destroy()
      await database?.[Symbol.asyncDispose]()
    },
  }
}
