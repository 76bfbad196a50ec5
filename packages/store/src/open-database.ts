import { Socket } from 'node:net'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Database, Tables } from './database.ts'
import { limitQueries } from './limit-queries.ts'
import { nameStatements } from './name-statements.ts'
import { wrapPool } from './wrap-pool.ts'

export interface PostgresOptions {
  readonly url: string
  /** Maximum number of connections. */
  readonly poolSize: number
  /** Called when a connection breaks. The pool replaces it. */
  readonly onError: (error: Error) => void
  readonly use: DatabaseUse
}

/**
 * `lookups`: a fixed set of frequent statements that find rows by an index. `migrations`: statements that may take
 * long. `reports`: everything else.
 *
 * Lookups are prepared and planned once, without sequential scans and JIT compilation. Postgres would use both in a new
 * database, which has no statistics for its first minutes: routing and folding took forty times as long.
 */
export type DatabaseUse = 'lookups' | 'reports' | 'migrations'

const lookupSettings = ['enable_seqscan=off', 'jit=off', 'plan_cache_mode=force_generic_plan']

/**
 * Detects clients that are gone without closing the connection, so that the server releases their transaction's locks
 * soon. Statements have their own timeout. If the server's operating system lacks one of these options, Postgres logs
 * it and continues.
 */
const lostClientSettings = [
  'tcp_keepalives_idle=10',
  'tcp_keepalives_interval=3',
  'tcp_keepalives_count=3',
  'tcp_user_timeout=10000',
]
const idleInTransactionMs = 10_000

/** Statement timeout. A connection without an answer is detected after that, and one in use is replaced within 15 s. */
const statementMs = 10_000
const answerMs = statementMs + 2_000
/** A migration may rewrite a large table, and should never be interrupted. */
const migrationAnswerMs = 24 * 3_600_000

/** Creates a connection pool for a Postgres server. It connects with the first query. */
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
  // A connection in use rejects its query, but without an error listener it would also crash the process.
  pool.on('connect', (client) => client.on('error', onError))
  const run = limitQueries(pool, use === 'migrations' ? migrationAnswerMs : answerMs)
  return new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool: wrapPool(pool, use === 'lookups' ? nameStatements(run) : run),
    }),
  })
}

const farewellMs = 1_000

/** `pg` asks the server to close the connection. Without an answer, the socket would keep the process alive forever. */
function openImpatientSocket(): Socket {
  const socket = new Socket()
  socket.once('finish', () => setTimeout(() => socket.destroy(), farewellMs).unref())
  return socket
}
