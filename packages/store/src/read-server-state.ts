import { sql } from 'kysely'
import type { Queryable } from './database.ts'

export interface ServerState {
  readonly majorVersion: number
  /** The database's encoding, by Postgres's name: `UTF8` is required. */
  readonly encoding: string
  /** Locks that all transactions together can hold. */
  readonly locks: number
  readonly databaseBytes: number
  /** Milliseconds since the epoch, by the server's clock. */
  readonly now: number
}

/** Reads the server's version, settings and clock. */
export async function readServerState(db: Queryable): Promise<ServerState> {
  const { rows } = await sql<Record<keyof ServerState, string>>`
    SELECT current_setting('server_version_num')::int / 10000 AS "majorVersion",
      current_setting('server_encoding') AS encoding,
      current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int AS locks,
      pg_database_size(current_database()) AS "databaseBytes",
      extract(epoch FROM clock_timestamp()) * 1000 AS now`.execute(db)
  const [row] = rows
  if (row === undefined) throw new RangeError('a SELECT without FROM returns one row')
  return {
    majorVersion: Number(row.majorVersion),
    encoding: row.encoding,
    locks: Number(row.locks),
    databaseBytes: Number(row.databaseBytes),
    now: Number(row.now),
  }
}
