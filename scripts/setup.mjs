// Prepares this machine to run Warmhook, or with --tests to test it. Runs on plain Node 20, before dependencies exist.
import { installDependencies } from './setup/install-dependencies.mjs'
import { prepareServices } from './setup/prepare-services.mjs'
import { SetupError } from './setup/setup-error.mjs'

const modes = ['--run', '--tests', '--install-only']

try {
  await setUp(process.argv[2] ?? '--run')
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(`\n${error.message}`)
  process.exitCode = 1
}

/** @param {string} mode */
async function setUp(mode) {
  if (!modes.includes(mode)) throw new SetupError(`usage: node scripts/setup.mjs [${modes.join(' | ')}]`)
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new SetupError(
      `Node ${process.versions.node} is too old to set up Warmhook: install Node 20 or newer, https://nodejs.org`,
    )
  }
  await installDependencies()
  if (mode !== '--install-only') await prepareServices({ forTests: mode === '--tests' })
  console.log('ready')
}
