import { hash } from 'node:crypto'
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type pg from 'pg'

/**
 * A pool whose connections prepare each statement once and run it by name from then on: planning the longest ones takes
 * longer than running them. Only for code with a fixed set of statements, since a connection keeps every one it has seen.
 */
export function prepareStatements(pool: pg.Pool): PostgresPool {
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  const nameOf = createNames()
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect()
      const known = clients.get(client) ?? preparing(client, nameOf)
      clients.set(client, known)
      return known
    },
  }
}

function preparing(client: pg.PoolClient, nameOf: (text: string) => string): PostgresPoolClient {
  function query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>
  function query(): never
  function query(text?: string, values: readonly unknown[] = []): unknown {
    if (text === undefined) throw new TypeError('cursors are not used here')
    return values.length === 0 ? client.query(text) : client.query({ name: nameOf(text), text, values: [...values] })
  }
  return { query, release: (destroy) => client.release(destroy) }
}

/** A name in Postgres has 63 bytes at most, so a statement goes by its hash. */
function createNames(): (text: string) => string {
  const names = new Map<string, string>()
  return (text) => {
    const name = names.get(text) ?? hash('sha256', text).slice(0, 32)
    names.set(text, name)
    return name
  }
}
