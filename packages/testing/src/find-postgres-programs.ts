import { access, constants, glob } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/**
 * The folder that contains both `initdb` and `postgres`, the newest if there are several; undefined if there is none.
 */
export async function findPostgresPrograms(searchPath = process.env.PATH ?? ''): Promise<string | undefined> {
  const installed: string[] = []
  // Debian keeps the server programs out of PATH; so does Homebrew for versions other than the default.
  for (const pattern of [
    '/usr/lib/postgresql/*/bin',
    '/opt/homebrew/opt/postgresql@*/bin',
    '/usr/local/opt/postgresql@*/bin',
  ]) {
    installed.push(...(await Array.fromAsync(glob(pattern))))
  }
  installed.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  for (const folder of [...installed, ...searchPath.split(delimiter)]) {
    if ((await isProgram(join(folder, 'initdb'))) && (await isProgram(join(folder, 'postgres')))) return folder
  }
  return undefined
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
