import type { Duplex } from 'node:stream'
import type pg from 'pg'
import type { RunQuery } from './wrap-pool.ts'

/** Postgres neither answered a statement nor ended it by its own time limit: the connection is lost. */
class DatabaseTimeoutError extends Error {
  override readonly name = 'DatabaseTimeoutError'
  // As for every connection that is lost.
  readonly code = 'ETIMEDOUT'
}

/**
 * Runs queries of the pool's connections, and breaks a connection when one gets no answer within `limitMs`: the caller is told, and
 * nobody else gets it. Idle connections that have not been heard of since are broken as well: what silenced one has often
 * silenced all, and each would cost another caller the whole time limit.
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
    // A turn of the event loop later: a process that was stopped or busy first reads what has arrived.
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

/** Where `pg` keeps it; its pool ends a connection that takes too long in the same way. */
function streamOf(client: pg.PoolClient): Duplex {
  return (client as pg.PoolClient & { readonly connection: pg.Connection }).connection.stream
}
