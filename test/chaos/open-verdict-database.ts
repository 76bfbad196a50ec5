import type { Database, Tables } from '@warmhook/store/database'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

/** The database for the verdict. It survives server crashes: a broken connection only fails its query. */
export function openVerdictDatabase(url: string): Database {
  const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 5_000, options: modest })
  pool.on('error', () => undefined)
  // The pool handles errors of idle connections only.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

/**
 * A new database has no statistics, and parallel sequential scans by the observer would slow down the observed system.
 */
const modest = '-c enable_seqscan=off -c jit=off -c max_parallel_workers_per_gather=0'
