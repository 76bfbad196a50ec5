import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Another Warmhook works in this DATA_DIR. */
class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError'
}

/**
 * Keeps a second Warmhook out of `dataDir` until the claim is disposed; the claim of a process that has died is void.
 *
 * @throws DataDirInUseError naming the other process
 */
export async function claimDataDir(dataDir: string): Promise<AsyncDisposable> {
  const path = join(dataDir, 'warmhook.pid')
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const owner = await readPid(path)
  if (owner !== undefined && owner !== process.pid && isAlive(owner)) {
    throw new DataDirInUseError(
      `A Warmhook (process ${owner}) already works in ${dataDir}; stop it, or set another DATA_DIR`,
    )
  }
  await writeFile(path, `${process.pid}\n`, { mode: 0o600 })
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
}

async function readPid(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const pid = Number(text)
  return Number.isInteger(pid) && pid > 0 ? pid : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // A process that we may not signal is alive all the same.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
