import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Stores in DATA_DIR where the board of `npm start` is, for commands on this machine. Disposal removes it. */
export function publishBoardAddress(dataDir: string, url: string): Disposable {
  const path = pathIn(dataDir)
  writeFileSync(path, `${url}\n`, { mode: 0o600 })
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) }
}

/** The URL of a running board of `npm start`; undefined if there is none in this DATA_DIR. */
export function readBoardAddress(dataDir: string): string | undefined {
  try {
    const url = readFileSync(pathIn(dataDir), 'utf8').trim()
    return URL.canParse(url) ? url : undefined
  } catch {
    // None has been started, or its files are not readable by this user.
    return undefined
  }
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'board.url')
}
