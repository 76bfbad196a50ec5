import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lockFile } from '@warmhook/lifecycle/lock-file'

/** Another Warmhook works in this DATA_DIR. */
class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError'
}

/**
 * Keeps a second Warmhook out of `dataDir` until the claim is disposed or the process ends, however that ends.
 *
 * @throws DataDirInUseError naming the other process
 */
export function claimDataDir(dataDir: string): Disposable {
  const owner = join(dataDir, 'warmhook.pid')
  const lock = lockFile(join(dataDir, 'warmhook.lock'))
  if (lock === undefined)
    throw new DataDirInUseError(
      `DATA_DIR: a Warmhook (process ${readOwner(owner)}) already works in ${dataDir}; stop it, or set another DATA_DIR`,
    )
  // For people: the lock alone decides.
  writeFileSync(owner, `${process.pid}\n`, { mode: 0o600 })
  return lock
}

function readOwner(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    // The owner has just started, or somebody tidied up.
    return 'unknown'
  }
}
