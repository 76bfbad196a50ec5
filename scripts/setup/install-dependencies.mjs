import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { runCommand } from './run-command.mjs'
import { SetupError } from './setup-error.mjs'
import { withSetupLock } from './with-setup-lock.mjs'

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..')
const node24 = join(root, 'node_modules', 'node', 'bin', 'node')

// npm prints the error first, then its usage and the path of its log.
const npmErrorLines = 15

/** Runs `npm ci` if the installed dependencies do not match package-lock.json. */
export async function installDependencies() {
  if (isInstalled()) {
    console.log('dependencies: up to date')
    return
  }
  await withSetupLock(root, async () => {
    // Another setup may have installed them in the meantime.
    if (!isInstalled()) await install()
  })
}

async function install() {
  // `npm run` puts node_modules/.bin first in PATH; it contains a Node that npm ci is about to delete.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')))
  const env = { ...process.env, PATH: path.join(delimiter) }
  const npm = await runCommand('npm', ['--version'], { env })
  if (!npm.ok) throw new SetupError('npm is missing: install Node 20 or newer with npm, https://nodejs.org')
  // Includes them even with NODE_ENV=production or npm's `omit`, because Node 24 itself is a development dependency.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  const result = await runCommand('npm', args, { label: 'dependencies: npm ci (up to a minute)', env, cwd: root })
  if (!result.ok)
    throw new SetupError(`npm ci failed:\n${result.output.split('\n').slice(0, npmErrorLines).join('\n')}`)
  if (!(await runCommand(node24, ['--version'])).ok) {
    throw new SetupError(
      'npm ci did not install Node 24: allow install scripts (npm config set ignore-scripts false) and run this again',
    )
  }
}

/** npm records installed packages in node_modules/.package-lock.json, whichever command installed them. */
function isInstalled() {
  if (!existsSync(node24)) return false
  const wanted = readPackages(join(root, 'package-lock.json'))
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'))
  if (wanted === undefined || installed === undefined) return false
  return [...wanted].every(([path, entry]) => {
    const found = installed.get(path)
    return found === undefined ? entry.optional : found.text === entry.text
  })
}

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} LockEntry */

/** @param {string} path */
function readPackages(path) {
  try {
    const { packages } = /** @type {{ packages: Record<string, LockEntry> }} */ (JSON.parse(readFileSync(path, 'utf8')))
    const entries = Object.entries(packages).filter(([folder]) => folder !== '')
    return new Map(entries.map(([folder, entry]) => [folder, toComparable(entry)]))
  } catch {
    // Missing or truncated: npm ci recreates it, or reports what is wrong with package-lock.json.
    return undefined
  }
}

/** @param {LockEntry} entry */
function toComparable({ version, integrity, optional = false, link }) {
  return { optional, text: [version, integrity, link].join(' ') }
}
