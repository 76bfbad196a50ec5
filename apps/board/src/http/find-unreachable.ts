import type { Database } from '@warmhook/store/database'
import { sql } from 'kysely'
import type { Redis } from 'ioredis'
import pTimeout from 'p-timeout'

/** A service that the board depends on. */
export type Service = 'Redis' | 'Postgres'

export interface Services {
  readonly redis: Pick<Redis, 'ping'>
  readonly db: Database
}

/** The services that do not respond right now. They are queried, because an open connection can hang. */
export async function findUnreachable({ redis, db }: Services): Promise<readonly Service[]> {
  const [hasRedis, hasPostgres] = await Promise.all([redisAnswers(redis), answers(sql`SELECT 1`.execute(db))])
  return [...(hasRedis ? [] : ['Redis' as const]), ...(hasPostgres ? [] : ['Postgres' as const])]
}

/** Whether Redis responds right now. */
export function redisAnswers(redis: Services['redis']): Promise<boolean> {
  return answers(redis.ping())
}

/**
 * Whether Postgres is running a long statement, as seen from another connection. If not, the statement or its
 * answer was lost on a hanging connection. The statement's own time limit applies in any case.
 */
export async function isPostgresBusy({ db }: Pick<Services, 'db'>): Promise<boolean> {
  const question = sql`
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
      AND state = 'active' AND query_start < clock_timestamp() - interval '2 seconds'
    LIMIT 1`.execute(db)
  const { rows } = await pTimeout(question, { milliseconds: 1_000 })
  return rows.length > 0
}

function answers(question: Promise<unknown>): Promise<boolean> {
  return pTimeout(question, { milliseconds: 1_000 }).then(
    () => true,
    () => false,
  )
}
