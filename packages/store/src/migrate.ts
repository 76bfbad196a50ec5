import { Migrator, type Migration } from 'kysely/migration'
import type { Database } from './database.ts'
import { initial } from './migrations/001-initial.ts'
import { recordingOrder } from './migrations/002-recording-order.ts'
import { eventWarnings } from './migrations/003-event-warnings.ts'
import { peerGates } from './migrations/004-peer-gates.ts'
import { outbox } from './migrations/005-outbox.ts'
import { intakeRanges } from './migrations/006-intake-ranges.ts'
import { totals } from './migrations/007-totals.ts'
import { retention } from './migrations/008-retention.ts'
import { notifications } from './migrations/009-notifications.ts'
import { crmAccounts } from './migrations/010-crm-accounts.ts'
import { reconciliation } from './migrations/011-reconciliation.ts'
import { readServerState } from './read-server-state.ts'

const migrations: Readonly<Record<string, Migration>> = {
  '001-initial': initial,
  '002-recording-order': recordingOrder,
  '003-event-warnings': eventWarnings,
  '004-peer-gates': peerGates,
  '005-outbox': outbox,
  '006-intake-ranges': intakeRanges,
  '007-totals': totals,
  '008-retention': retention,
  '009-notifications': notifications,
  '010-crm-accounts': crmAccounts,
  '011-reconciliation': reconciliation,
}

/** In a database with another encoding than UTF-8, text could not be stored or not be found again. */
export class EncodingError extends Error {
  override readonly name = 'EncodingError'
}

/** The schema could not be brought up to date. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

/**
 * Brings the schema up to date and returns the names of the migrations that ran. Safe to call from many processes at once.
 *
 * @throws EncodingError when the database is not UTF-8
 * @throws MigrationError naming the migration that failed
 */
export async function migrate(db: Database): Promise<readonly string[]> {
  const { encoding } = await readServerState(db)
  if (encoding !== 'UTF8') {
    throw new EncodingError(
      `The database has the encoding ${encoding}, but webhooks are UTF-8. Create one with ` +
        `CREATE DATABASE warmhook ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0 and set DATABASE_URL to it`,
    )
  }
  const { error, results = [] } = await createMigrator(db).migrateToLatest()
  if (error === undefined) return results.map((result) => result.migrationName)
  const failed = results.find((result) => result.status === 'Error')
  throw new MigrationError(
    `The database schema could not be updated${failed ? ` (${failed.migrationName})` : ''}: ${error instanceof Error ? error.message : 'unknown error'}`,
    {
      cause: error,
    },
  )
}

/** The migrations that have not run yet. */
export async function pendingMigrations(db: Database): Promise<readonly string[]> {
  const known = await createMigrator(db).getMigrations()
  return known.filter((migration) => migration.executedAt === undefined).map((migration) => migration.name)
}

function createMigrator(db: Database): Migrator {
  return new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...migrations }) } })
}
