import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Kysely, PGliteAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import type { Database, Tables } from '../database.ts'
import { createThreadDriver } from './thread-driver.ts'

export interface PgliteOptions {
  /** Where its files are; without one, it keeps everything in memory. */
  readonly directory?: string
  /** Called when its thread ends unexpectedly. Every query fails from then on: only a new process can help. */
  readonly onLost?: (error: Error) => void
}

/** A statement that still runs when the database is closed gets this long. Postgres undoes the rest at its next start. */
const closeMs = 8_000

/**
 * A Postgres inside this process, in a thread of its own, so that a long statement delays no request. It has one
 * connection: transactions take turns.
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
