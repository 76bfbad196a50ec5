import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const parents = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt']

/** The directory of a Postgres server's programs. packages/testing searches the same places. */
export function findPostgres() {
  const installed = parents.flatMap((parent) => listOf(parent).map((name) => join(parent, name, 'bin')))
  return [...installed, ...(process.env.PATH ?? '').split(delimiter)].find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  )
}

/** @param {string} folder */
function listOf(folder) {
  return existsSync(folder) ? readdirSync(folder) : []
}
