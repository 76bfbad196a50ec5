import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Kysely, PGliteAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import type { Database, Tables } from '../database.ts'
import { createThreadDriver } from './thread-driver.ts'

export interface PgliteOptions {
  /** Directory for the data files. Without it, the database is in memory. */
  readonly directory?: string
  /** Called when the thread ends unexpectedly. All queries fail from then on, and the process has to be restarted. */
  readonly onLost?: (error: Error) => void
}

/** Time limit for a running statement on close. Postgres rolls back unfinished work at its next start. */
const closeMs = 8_000

/**
 * Opens a Postgres embedded in this process. It runs in its own thread, so that a long statement delays no request. It
 * has one connection: transactions run one at a time.
 */
export async function openPglite({ directory, onLost = () => undefined }: PgliteOptions = {}): Promise<Database> {
  if (directory !== undefined) await mkdir(directory, { recursive: true, mode: 0o700 })
  const thread = new Worker(join(import.meta.dirname, 'pglite-thread.ts'), { workerData: directory })
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PGliteAdapter(),
      createDriver: () => createThreadDriver(thread, { closeMs, onLost }),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
}
