import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runProgram } from '@warmhook/testing/run-program'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/**
 * A project with the setup script and one development dependency, `node`, from a local folder: no registry is needed.
 */
async function createProject(directory: string): Promise<void> {
  await cp(join(root, 'scripts'), join(directory, 'scripts'), { recursive: true })
  await mkdir(join(directory, 'fake-node', 'bin'), { recursive: true })
  const program = join(directory, 'fake-node', 'bin', 'node')
  await writeFile(program, '#!/bin/sh\necho v24.0.0\n')
  await chmod(program, 0o755)
  const manifest = { name: 'node', version: '24.0.0' }
  const project = { name: 'project', version: '1.0.0', devDependencies: { node: 'file:fake-node' } }
  const packages = {
    '': project,
    'fake-node': { ...manifest, dev: true },
    'node_modules/node': { resolved: 'fake-node', link: true },
  }
  await writeFile(join(directory, 'fake-node', 'package.json'), JSON.stringify(manifest))
  await writeFile(join(directory, 'package.json'), JSON.stringify(project))
  const lock = { name: 'project', version: '1.0.0', lockfileVersion: 3, requires: true, packages }
  await writeFile(join(directory, 'package-lock.json'), JSON.stringify(lock))
}

describe('scripts/setup.mjs on a fresh clone', { timeout: 60_000 }, () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warmhook setup '))
    await createProject(directory)
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it.each([
    ['NODE_ENV=production', { NODE_ENV: 'production' }],
    ['omit=dev', { npm_config_omit: 'dev' }],
    ['production=true', { npm_config_production: 'true' }],
    ['only=prod', { npm_config_only: 'prod' }],
  ])('installs the dependencies of all commands, even with %s', async (_name, env) => {
    const setUp = (): Promise<string> =>
      runProgram(process.execPath, ['scripts/setup.mjs', '--install-only'], { cwd: directory, env })
    expect(await setUp()).toMatch(/npm ci[^]*ready/)
    expect(await runProgram(join(directory, 'node_modules', 'node', 'bin', 'node'), ['--version'])).toBe('v24.0.0\n')
    expect(await setUp()).toMatch(/dependencies: up to date/)
  })
})
