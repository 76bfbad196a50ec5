import { migratePostgres } from '@warmhook/store/migrate-postgres'
import type { CliContext } from './cli-context.ts'
import { parseDatabaseUrl } from './env.ts'

/**
 * Applies the pending migrations to DATABASE_URL and prints their names.
 *
 * @throws EnvError | MigrationError
 */
export async function runMigrate(context: CliContext, options: { json?: true }): Promise<void> {
  const migrated = await migratePostgres({ url: parseDatabaseUrl(context.env), onError: () => undefined })
  if (options.json === true) context.print(JSON.stringify({ migrated }))
  else if (migrated.length === 0) context.print('The schema is up to date.')
  else for (const name of migrated) context.print(`applied ${name}`)
}
