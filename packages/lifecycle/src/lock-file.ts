import { DatabaseSync } from 'node:sqlite'

/**
 * Locks a file (created if it does not exist) until the lock is disposed or the process ends for any reason. Undefined if the
 * lock is taken. It is an operating system lock, used through SQLite because Node has no API for it, so a killed process leaves
 * nothing behind and process ids are not involved.
 *
 * @throws Error if the file cannot be opened
 */
export function lockFile(path: string): Disposable | undefined {
  const db = new DatabaseSync(path)
  try {
    // Opened but never written to: the file stays empty.
    db.exec('BEGIN EXCLUSIVE')
    return { [Symbol.dispose]: () => (db.isOpen ? db.close() : undefined) }
  } catch (error) {
    db.close()
    if (isBusy(error)) return undefined
    throw error
  }
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY is the low byte; the other bytes distinguish its variants.
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5
}
