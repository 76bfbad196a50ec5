import { findPostgres } from './find-postgres.mjs'
import { findRedis } from './find-redis.mjs'
import { installPackage } from './install-package.mjs'
import { runCommand } from './run-command.mjs'

/**
 * Finds or installs the servers that Warmhook starts.
 *
 * @param {{ forTests: boolean }} options
 */
export async function prepareServices({ forTests }) {
  // Tests start their own Redis servers, even if REDIS_URL is set.
  if (!forTests && isSet('REDIS_URL')) console.log('redis: using REDIS_URL')
  else await prepareRedis()
  if (forTests) await preparePostgres()
}

async function prepareRedis() {
  const redis = (await findRedis()) ?? (await installPackage('redis', findRedis))
  console.log(`redis: ${redis}`)
}

async function preparePostgres() {
  if (isSet('TEST_DATABASE_URL')) {
    console.log('postgres: using TEST_DATABASE_URL')
    return
  }
  const postgres = findPostgres()
  if (postgres === undefined && (await hasContainerEngine())) {
    console.log('postgres: using a container')
    return
  }
  console.log(`postgres: ${postgres ?? (await installPackage('postgres', async () => findPostgres()))}`)
}

async function hasContainerEngine() {
  // The client may be installed without an engine, so the engine is queried.
  const { ok } = await runCommand('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 5_000 })
  return ok
}

/** @param {string} name */
function isSet(name) {
  return (process.env[name] ?? '') !== ''
}
