import type { Duplex } from 'node:stream'
import type pg from 'pg'
import type { RunQuery } from './wrap-pool.ts'

/** Postgres neither answered a statement nor ended it after `statement_timeout`: the connection is lost. */
class DatabaseTimeoutError extends Error {
  override readonly name = 'DatabaseTimeoutError'
  // The same code as for other lost connections.
  readonly code = 'ETIMEDOUT'
}

/**
 * Runs queries on the pool's connections, and destroys a connection that does not answer within `limitMs`: the query
 * fails and the connection is not reused. Idle connections that have received nothing since the query began are
 * destroyed as well: the same fault has often affected all of them, and each would cost another caller the whole time
 * limit.
 */
export function limitQueries(pool: pg.Pool, limitMs: number): RunQuery {
  const idle = watchIdle(pool)
  const heardAt = new WeakMap<pg.PoolClient, number>()
  return async (client, query) => {
    const startedAt = performance.now()
    let isAnswered = false
    const giveUp = (): void => {
      if (isAnswered) return
      const breakOff = (silent: pg.PoolClient): void =>
        void streamOf(silent).destroy(new DatabaseTimeoutError(`Postgres did not answer within ${limitMs / 1_000} s`))
      breakOff(client)
      for (const other of idle) if ((heardAt.get(other) ?? 0) < startedAt) breakOff(other)
    }
    // One event loop turn later, so that a process that was suspended or busy first reads what has arrived.
    const timer = setTimeout(() => setImmediate(giveUp), limitMs)
    try {
      return await client.query(query)
    } finally {
      isAnswered = true
      heardAt.set(client, performance.now())
      clearTimeout(timer)
    }
  }
}

function watchIdle(pool: pg.Pool): ReadonlySet<pg.PoolClient> {
  const idle = new Set<pg.PoolClient>()
  pool.on('acquire', (client) => void idle.delete(client))
  pool.on('release', (_error, client) => void idle.add(client))
  pool.on('remove', (client) => void idle.delete(client))
  return idle
}

/** The socket of a `pg` client. `pg`'s own pool ends a connection attempt that takes too long in the same way. */
function streamOf(client: pg.PoolClient): Duplex {
  return (client as pg.PoolClient & { readonly connection: pg.Connection }).connection.stream
}
