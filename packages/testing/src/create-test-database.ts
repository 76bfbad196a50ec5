import { createDatabase, type TestDatabase } from './create-database.ts'
import { testServices } from './provided-context.ts'

/** Creates an empty database on the Postgres that the global setup started. */
export function createTestDatabase(encoding?: 'SQL_ASCII' | 'LATIN1'): Promise<TestDatabase> {
  return createDatabase(testServices().databaseUrl, encoding)
}
