import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type pg from 'pg'

/** Runs a query on a connection, and returns the result of `pg`. */
export type RunQuery = (client: pg.PoolClient, query: pg.QueryConfig) => Promise<unknown>

/** Wraps a pool for Kysely so that its connections run queries with `run`. */
export function wrapPool(pool: pg.Pool, run: RunQuery): PostgresPool {
  const wrapped = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect()
      const known = wrapped.get(client) ?? wrapClient(client, run)
      wrapped.set(client, known)
      return known
    },
  }
}

function wrapClient(client: pg.PoolClient, run: RunQuery): PostgresPoolClient {
  function query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>
  function query(): never
  function query(text?: string, values: readonly unknown[] = []): unknown {
    if (text === undefined) throw new TypeError('streaming queries are not supported')
    return run(client, { text, values: [...values] })
  }
  return { query, release: (destroy) => client.release(destroy) }
}
