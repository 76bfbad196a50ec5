import { mkdir } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Database, Tables } from './database.ts'
import { prepareStatements } from './prepare-statements.ts'

export interface PostgresOptions {
  readonly url: string
  /** Connections at most. */
  readonly poolSize: number
  /** Told when a connection breaks; the pool replaces it by itself. */
  readonly onError: (error: Error) => void
  readonly use: DatabaseUse
}

/**
 * `lookups`: a fixed set of statements that find rows by an index, again and again. `reports`: everything else.
 *
 * Look-ups are prepared and planned once, and Postgres is told not to read whole tables or compile for them. It would do both in a new
 * database, which has no statistics for its first minutes: routing and folding took forty times the time (issue 3).
 */
export type DatabaseUse = 'lookups' | 'reports'

const lookupSettings = '-c enable_seqscan=off -c jit=off -c plan_cache_mode=force_generic_plan'

/** A pool of connections to a Postgres server. Opens nothing before the first query. */
export function openPostgres(options: PostgresOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    application_name: 'warmhook',
    ...(options.use === 'lookups' ? { options: lookupSettings } : {}),
  })
  pool.on('error', options.onError)
  // One that is in use tells the query's caller; without a listener of its own it would end the process as well.
  pool.on('connect', (client) => client.on('error', options.onError))
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: options.use === 'lookups' ? prepareStatements(pool) : pool }),
  })
}

/** A Postgres inside this process with its files in `directory`; in memory without one. One connection: transactions take turns. */
export async function openPglite(directory?: string): Promise<Database> {
  if (directory !== undefined) await mkdir(directory, { recursive: true, mode: 0o700 })
  const pglite = directory === undefined ? new PGlite() : new PGlite(directory)
  return new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) })
}
