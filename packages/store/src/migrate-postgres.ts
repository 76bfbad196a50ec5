import { migrate } from './migrate.ts'
import { openPostgres, type PostgresOptions } from './open-database.ts'

/**
 * Brings a server's schema up to date, on a connection without the usual statement timeout. Returns the names of the
 * migrations that ran.
 *
 * @throws MigrationError naming the migration that failed
 */
export async function migratePostgres(options: Pick<PostgresOptions, 'url' | 'onError'>): Promise<readonly string[]> {
  const db = openPostgres({ ...options, use: 'migrations', poolSize: 1 })
  try {
    return await migrate(db)
  } finally {
    await db.destroy()
  }
}
