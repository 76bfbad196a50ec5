import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'

/** A job that waits for its queue. */
export interface SpooledJob {
  readonly id: string
  readonly name: string
  /** As JSON. */
  readonly payload: string
}

/** The disk or the spool's own bound leaves no room. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError'
}

/** The spool can't be opened or written. The message says what to do. */
export class SpoolError extends Error {
  override readonly name: string = 'SpoolError'
}

/** Another process has the spool at the moment. */
export class SpoolBusyError extends SpoolError {
  override readonly name = 'SpoolBusyError'
}

export interface Spool extends Disposable {
  /**
   * Returns once the disk has the job: it then survives a kill of the process and a loss of power. A job that is there
   * already stays as it is.
   *
   * @throws SpoolFullError | SpoolError in both cases nothing of the job is kept
   */
  write(job: SpooledJob): void
  /** The jobs written first, in the order of writing. */
  oldest(count: number): readonly SpooledJob[]
  /** The last removal gives the disk space back; if that fails, the jobs are removed all the same. */
  remove(ids: readonly string[]): void
  /** The ids of all jobs that wait. */
  ids(): readonly string[]
  /** Jobs that wait. */
  readonly size: number
  /** False when the last write found no room; a removal makes room again. */
  readonly hasRoom: boolean
  /** Names the spool, whichever process has it. */
  readonly id: string
  /** Counts the processes that have had the spool, this one included. */
  readonly turn: number
}

export interface SpoolOptions {
  /** Created when it is not there; one process at a time. */
  readonly directory: string
  readonly maxBytes: number
}

/**
 * Opens the spool: an SQLite file, which recovers by itself from a write that was torn by a kill, a loss of power or a
 * full disk. Writing waits for the disk, and the process with it: about half a millisecond for a batch (measured).
 *
 * @throws SpoolBusyError when another process has it; SpoolError when the directory can't be used
 */
export function openSpool({ directory, maxBytes }: SpoolOptions): Spool {
  const { db, identity } = openFile(directory, maxBytes)
  const insert = db.prepare('INSERT INTO jobs (id, name, payload) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING')
  const select = db.prepare('SELECT id, name, payload FROM jobs ORDER BY position LIMIT ?')
  const remove = db.prepare('DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?))')
  const countPages = db.prepare('PRAGMA page_count')
  let size = Number(db.prepare('SELECT count(*) AS jobs FROM jobs').get()?.['jobs'])
  let hasRoom = true
  return {
    write({ id, name, payload }) {
      try {
        size += Number(insert.run(id, name, payload).changes)
        hasRoom = true
      } catch (cause) {
        if (errorCodeOf(cause) !== sqliteFull)
          throw new SpoolError(`the spool can't be written: ${messageOf(cause)}`, { cause })
        hasRoom = false
        throw new SpoolFullError(`the spool in ${directory} is full`, { cause })
      }
    },
    oldest: (count) => select.all(count).map(toJob),
    ids: () =>
      db
        .prepare('SELECT id FROM jobs')
        .all()
        .map((row) => String(row['id'])),
    remove(ids) {
      size -= Number(remove.run(JSON.stringify(ids)).changes)
      hasRoom = true
      // A file never shrinks by itself, and its bound can't be set below what it has been.
      if (size === 0 && Number(countPages.get()?.['page_count']) > keptPages)
        db.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
    },
    get size() {
      return size
    },
    get hasRoom() {
      return hasRoom
    },
    ...identity,
    [Symbol.dispose]: () => db.close(),
  }
}

// SQLite's result codes, as node:sqlite gives them.
const sqliteBusy = 5
const sqliteFull = 13

// SQLite's own, which is also that of most file systems.
const pageBytes = 4_096

/** An empty file may have as many (1 MiB): a short outage need not cost a rewrite. */
const keptPages = 256

type Identity = Pick<Spool, 'id' | 'turn'>

function openFile(directory: string, maxBytes: number): { readonly db: DatabaseSync; readonly identity: Identity } {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const db = new DatabaseSync(join(directory, 'spool.sqlite'))
    try {
      // Exclusive: the lock is the operating system's, so that it ends with the process, however that ends.
      db.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA temp_store = MEMORY;
        CREATE TABLE IF NOT EXISTS jobs (
          position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, payload TEXT NOT NULL
        ) STRICT;
        BEGIN IMMEDIATE; COMMIT`)
      const identity = takeTurn(db)
      db.exec(`PRAGMA max_page_count = ${Math.max(16, Math.floor(maxBytes / pageBytes))}`)
      return { db, identity }
    } catch (error) {
      db.close()
      throw error
    }
  } catch (cause) {
    if (errorCodeOf(cause) === sqliteBusy)
      throw new SpoolBusyError(
        `the spool in ${directory} can't be opened: another process has it: give each ingress a SPOOL_DIR of its own`,
        { cause },
      )
    const advice = `${messageOf(cause)}: see that the directory is on a local disk and can be written`
    throw new SpoolError(`the spool in ${directory} can't be opened: ${advice}`, { cause })
  }
}

/** Says who has the spool now. Before its bound is set: a spool that is full has to open, too, so that it can be emptied. */
function takeTurn(db: DatabaseSync): Identity {
  try {
    db.exec('CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL, turn INTEGER NOT NULL) STRICT')
    db.prepare('INSERT INTO identity SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM identity)').run(randomUUID())
    const row = db.prepare('UPDATE identity SET turn = turn + 1 RETURNING id, turn').get()
    return { id: String(row?.['id']), turn: Number(row?.['turn']) }
  } catch (error) {
    if (errorCodeOf(error) !== sqliteFull) throw error
    // The disk has no room for a turn; what is in the spool goes by another name until it has.
    return { id: randomUUID(), turn: 1 }
  }
}

function toJob(row: Record<string, SQLOutputValue>): SpooledJob {
  return { id: String(row['id']), name: String(row['name']), payload: String(row['payload']) }
}

function errorCodeOf(error: unknown): number | undefined {
  // The low byte is the result code; the others tell its kinds apart.
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
