import { migrate } from '@warmhook/store/migrate'
import { openPostgres } from '@warmhook/store/open-database'
import type { CliContext } from './cli-context.ts'
import { parseDatabaseUrl } from './env.ts'

/**
 * Runs the migrations that DATABASE_URL lacks and prints their names.
 *
 * @throws EnvError | MigrationError
 */
export async function runMigrate(context: CliContext, options: { json?: true }): Promise<void> {
  const db = openPostgres({ use: 'reports', url: parseDatabaseUrl(context.env), poolSize: 1, onError: () => undefined })
  try {
    const migrated = await migrate(db)
    if (options.json === true) context.print(JSON.stringify({ migrated }))
    else if (migrated.length === 0) context.print('The schema is up to date.')
    else for (const name of migrated) context.print(`ran ${name}`)
  } finally {
    await db.destroy()
  }
}
