import { DatabaseSync } from 'node:sqlite'

/**
 * Locks a file (made where it is missing) until the lock is disposed or the process ends, however that ends; undefined
 * while somebody else has it. The lock is the operating system's, by way of SQLite, as Node has no call for it: nothing can
 * be left behind by a killed process, and process ids play no part.
 *
 * @throws Error when the file can't be opened
 */
export function lockFile(path: string): Disposable | undefined {
  const db = new DatabaseSync(path)
  try {
    // Held open and never written to: the file stays empty.
    db.exec('BEGIN EXCLUSIVE')
    return { [Symbol.dispose]: () => (db.isOpen ? db.close() : undefined) }
  } catch (error) {
    db.close()
    if (isBusy(error)) return undefined
    throw error
  }
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY is the low byte; the others tell its kinds apart.
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5
}
