import { lastLines, runCommand } from './run-command.mjs'
import { SetupError } from './setup-error.mjs'

/** @typedef {'redis' | 'postgres'} Service */

// redis-tools contains the server (see find-redis.mjs) and, unlike redis-server, starts no service on port 6379.
// Without a main cluster, Postgres starts no service on port 5432; the setting is restored after the installation.
const aptScripts = {
  redis: `
    apt() { apt-get -y -o DPkg::Lock::Timeout=120 "$@"; }
    apt install --no-install-recommends redis-tools || { apt update && apt install --no-install-recommends redis-tools; }`,
  postgres: `
    apt() { apt-get -y -o DPkg::Lock::Timeout=120 "$@"; }
    settings=/etc/postgresql-common/createcluster.conf
    apt install --no-install-recommends postgresql-common || { apt update && apt install --no-install-recommends postgresql-common; }
    cp -p "$settings" "$settings.warmhook"
    trap 'mv "$settings.warmhook" "$settings"' EXIT
    echo 'create_main_cluster = false' >> "$settings"
    apt install --no-install-recommends postgresql`,
}

const aptPackages = { redis: 'redis-tools', postgres: 'postgresql' }
const brewPackages = { redis: 'redis', postgres: 'postgresql@17' }

/** The command to suggest on other systems, by package manager. */
const otherManagers = [
  { program: 'dnf', redis: 'sudo dnf install valkey', postgres: 'sudo dnf install postgresql-server' },
  { program: 'yum', redis: 'sudo yum install redis', postgres: 'sudo yum install postgresql-server' },
  { program: 'apk', redis: 'sudo apk add redis', postgres: 'sudo apk add postgresql' },
  { program: 'pacman', redis: 'sudo pacman -S valkey', postgres: 'sudo pacman -S postgresql' },
  { program: 'zypper', redis: 'sudo zypper install redis', postgres: 'sudo zypper install postgresql-server' },
]

const elsewhere = {
  redis: 'Or use an existing Redis: set REDIS_URL, for example REDIS_URL=redis://127.0.0.1:6379 npm start',
  postgres: 'Or use an existing Postgres: set TEST_DATABASE_URL. Or start Docker: the tests use it.',
}

/**
 * Installs a server with the system's package manager if that needs no prompt; otherwise reports the command to run.
 *
 * @param {Service} service
 * @param {() => Promise<string | undefined>} find
 */
export async function installPackage(service, find) {
  const command = (await aptCommand(service)) ?? (await brewCommand(service))
  if (command === undefined) throw new SetupError(await adviceFor(service))
  const [program = '', ...args] = command.argv
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const result = await runCommand(program, args, { label: `${service}: installing ${command.what}`, env })
  const found = await find()
  if (found !== undefined) return found
  throw new SetupError(
    `${service} could not be installed; last lines of the output:\n${lastLines(result.output)}\n\n${await adviceFor(service)}`,
  )
}

/** @param {Service} service */
async function aptCommand(service) {
  if (!(await isInstalled('apt-get'))) return undefined
  const what = `${aptPackages[service]} with apt-get`
  const argv = ['sh', '-e', '-c', aptScripts[service]]
  if (process.getuid?.() === 0) return { what, argv }
  const { ok } = await runCommand('sudo', ['-n', 'true'])
  return ok ? { what, argv: ['sudo', '-n', 'env', 'DEBIAN_FRONTEND=noninteractive', ...argv] } : undefined
}

/** @param {Service} service */
async function brewCommand(service) {
  if (!(await isInstalled('brew'))) return undefined
  return { what: `${brewPackages[service]} with brew`, argv: ['brew', 'install', brewPackages[service]] }
}

/** @param {Service} service */
async function adviceFor(service) {
  return `Warmhook needs ${service}. Please run\n\n  ${await typedCommand(service)}\n\nand then run the original command again. ${elsewhere[service]}`
}

/** @param {Service} service */
async function typedCommand(service) {
  if (await isInstalled('apt-get')) return `sudo apt-get update && sudo apt-get install ${aptPackages[service]}`
  for (const manager of otherManagers) {
    if (await isInstalled(manager.program)) return manager[service]
  }
  return `brew install ${brewPackages[service]}`
}

/** @param {string} program */
async function isInstalled(program) {
  const { ok } = await runCommand(program, ['--version'])
  return ok
}
