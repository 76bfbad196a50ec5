import { findPostgres } from './find-postgres.mjs'
import { findRedis } from './find-redis.mjs'
import { installPackage } from './install-package.mjs'
import { runCommand } from './run-command.mjs'

/**
 * Finds or installs the servers that Warmhook starts for itself.
 *
 * @param {{ forTests: boolean }} options
 */
export async function prepareServices({ forTests }) {
  // Tests start servers of their own, wherever the shared one is.
  if (!forTests && isSet('REDIS_URL')) console.log('redis: the one at REDIS_URL')
  else await prepareRedis()
  if (forTests) await preparePostgres()
}

async function prepareRedis() {
  const redis = (await findRedis()) ?? (await installPackage('redis', findRedis))
  console.log(`redis: ${redis}`)
}

async function preparePostgres() {
  if (isSet('TEST_DATABASE_URL')) {
    console.log('postgres: the one at TEST_DATABASE_URL')
    return
  }
  const postgres = findPostgres()
  if (postgres === undefined && (await hasContainerEngine())) {
    console.log('postgres: as a container')
    return
  }
  console.log(`postgres: ${postgres ?? (await installPackage('postgres', async () => findPostgres()))}`)
}

async function hasContainerEngine() {
  // The client may be there without an engine; only its answer tells.
  const { ok } = await runCommand('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 5_000 })
  return ok
}

/** @param {string} name */
function isSet(name) {
  return (process.env[name] ?? '') !== ''
}
