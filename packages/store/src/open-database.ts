import { mkdir } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Database, Tables } from './database.ts'

export interface PostgresOptions {
  readonly url: string
  /** Connections at most. */
  readonly poolSize: number
  /** Told when an idle connection breaks; the pool replaces it by itself. */
  readonly onError: (error: Error) => void
  /**
   * For connections whose every query looks rows up by an index. A new database has no statistics for its first minutes,
   * and Postgres then reads whole tables instead, or compiles a look-up for 15 ms because it takes it for a large query:
   * routing and folding took up to forty times the time (measured, issue 3).
   */
  readonly avoidsScans?: boolean
}

/** A pool of connections to a Postgres server. Opens nothing before the first query. */
export function openPostgres(options: PostgresOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    application_name: 'warmhook',
    ...(options.avoidsScans === true ? { options: '-c enable_seqscan=off -c jit=off' } : {}),
  })
  pool.on('error', options.onError)
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

/** A Postgres inside this process with its files in `directory`; in memory without one. One connection: transactions take turns. */
export async function openPglite(directory?: string): Promise<Database> {
  if (directory !== undefined) await mkdir(directory, { recursive: true, mode: 0o700 })
  const pglite = directory === undefined ? new PGlite() : new PGlite(directory)
  return new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) })
}
