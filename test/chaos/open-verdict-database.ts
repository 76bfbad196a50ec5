import type { Database, Tables } from '@warmhook/store/database'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

/** A database for the verdict that outlives the server: a connection that breaks fails its query and nothing more. */
export function openVerdictDatabase(url: string): Database {
  const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 5_000, options: modest })
  pool.on('error', () => undefined)
  // The pool listens to idle connections only.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

/** A new database has no statistics: watching it by reading whole tables in parallel would slow down what is watched. */
const modest = '-c enable_seqscan=off -c jit=off -c max_parallel_workers_per_gather=0'
