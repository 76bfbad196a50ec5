import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lockFile } from '@warmhook/lifecycle/lock-file'

/** Another Warmhook uses this DATA_DIR. */
class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError'
}

/**
 * Prevents a second Warmhook from using `dataDir` until the claim is disposed or the process ends, however it ends.
 *
 * @throws DataDirInUseError naming the other process
 */
export function claimDataDir(dataDir: string): Disposable {
  const owner = join(dataDir, 'warmhook.pid')
  const lock = lockFile(join(dataDir, 'warmhook.lock'))
  if (lock === undefined)
    throw new DataDirInUseError(
      `DATA_DIR: another Warmhook (process ${readOwner(owner)}) already uses ${dataDir}; stop it, or set another DATA_DIR`,
    )
  // Informational: only the lock counts.
  writeFileSync(owner, `${process.pid}\n`, { mode: 0o600 })
  return lock
}

function readOwner(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    // The owner has just started, or the file was deleted.
    return 'unknown'
  }
}
