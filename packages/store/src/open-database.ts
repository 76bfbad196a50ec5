import { Socket } from 'node:net'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Database, Tables } from './database.ts'
import { limitQueries } from './limit-queries.ts'
import { nameStatements } from './name-statements.ts'
import { wrapPool } from './wrap-pool.ts'

export interface PostgresOptions {
  readonly url: string
  /** Connections at most. */
  readonly poolSize: number
  /** Told when a connection breaks; the pool replaces it by itself. */
  readonly onError: (error: Error) => void
  readonly use: DatabaseUse
}

/**
 * `lookups`: a fixed set of statements that find rows by an index, again and again. `migrations`: statements that may take long.
 * `reports`: everything else.
 *
 * Look-ups are prepared and planned once, and Postgres is told not to read whole tables or compile for them. It would do both in a new
 * database, which has no statistics for its first minutes: routing and folding took forty times the time.
 */
export type DatabaseUse = 'lookups' | 'reports' | 'migrations'

const lookupSettings = ['enable_seqscan=off', 'jit=off', 'plan_cache_mode=force_generic_plan']

/**
 * For a client that has gone without a word: its server process is to end soon, and with it the locks of its transaction. A statement
 * has its own time limit. Where the server's system can't do it, Postgres logs that and goes on.
 */
const lostClientSettings = [
  'tcp_keepalives_idle=10',
  'tcp_keepalives_interval=3',
  'tcp_keepalives_count=3',
  'tcp_user_timeout=10000',
]
const idleInTransactionMs = 10_000

/** What Postgres may take for a statement. Silence is noticed beyond that, and a connection in use replaced within 15 s. */
const statementMs = 10_000
const answerMs = statementMs + 2_000
/** A migration may rewrite a large table; there is no time after which it had better been ended. */
const migrationAnswerMs = 24 * 3_600_000

/** A pool of connections to a Postgres server. Opens nothing before the first query. */
export function openPostgres({ url, poolSize, onError, use }: PostgresOptions): Database {
  const settings = [...lostClientSettings, ...(use === 'lookups' ? lookupSettings : [])]
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: 5_000,
    statement_timeout: use === 'migrations' ? false : statementMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    stream: openImpatientSocket,
    application_name: 'warmhook',
    options: settings.map((setting) => `-c ${setting}`).join(' '),
  })
  pool.on('error', onError)
  // One that is in use tells the query's caller; without a listener of its own it would end the process as well.
  pool.on('connect', (client) => client.on('error', onError))
  const run = limitQueries(pool, use === 'migrations' ? migrationAnswerMs : answerMs)
  return new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool: wrapPool(pool, use === 'lookups' ? nameStatements(run) : run),
    }),
  })
}

const farewellMs = 1_000

/** `pg` ends a connection by asking the server to; one that is silent would stay for ever, and the process with it. */
function openImpatientSocket(): Socket {
  const socket = new Socket()
  socket.once('finish', () => setTimeout(() => socket.destroy(), farewellMs).unref())
  return socket
}
