import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyMutant, type Mutant } from './mutant.ts'
import type { TestRounds } from './select-tests.ts'

export type MutantResult = 'killed' | 'survived' | 'no test'

/** A copy of the project, in which one mutant at a time lives. */
export interface Lane extends AsyncDisposable {
  run(mutant: Mutant, rounds: TestRounds): Promise<MutantResult>
}

/** A mutant that makes a test hang is noticed, too. */
const limitMs = 150_000

/** `env` is the tests' environment: with the addresses of a Redis and a Postgres for them. */
export async function openLane(root: string, env: NodeJS.ProcessEnv): Promise<Lane> {
  const home = await mkdtemp(join(tmpdir(), 'warmhook-mutation-'))
  await copyProject(root, home)
  const passes = (tests: readonly string[]): Promise<boolean> => runTests(home, tests, env)
  return {
    async run(mutant, rounds) {
      if (rounds.length === 0) return 'no test'
      const path = join(home, mutant.path)
      const text = await readFile(path, 'utf8')
      await writeFile(path, applyMutant(text, mutant))
      try {
        for (const tests of rounds) if (!(await passes(tests))) return 'killed'
        return 'survived'
      } finally {
        await writeFile(path, text)
      }
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}

/** Our own code is copied; dependencies are linked, but for the links to our own packages. */
async function copyProject(root: string, home: string): Promise<void> {
  const own = new Set(['node_modules', '.git', '.turbo', '.warmhook'])
  await cp(root, home, { recursive: true, filter: (source) => !own.has(source.slice(root.length + 1)) })
  const modules = join(home, 'node_modules')
  await mkdir(join(modules, '@warmhook'), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules')))
    if (name !== '@warmhook' && name !== '.vite') await symlink(join(root, 'node_modules', name), join(modules, name))
  await cp(join(root, 'node_modules', '@warmhook'), join(modules, '@warmhook'), {
    recursive: true,
    verbatimSymlinks: true,
  })
}

async function runTests(home: string, tests: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'test/mutation/vitest.config.ts',
    '--reporter',
    'dot',
    ...tests,
  ]
  const child = spawn(process.execPath, args, {
    cwd: home,
    stdio: 'ignore',
    env,
    // A group of its own, so that what a hanging test has started ends with it.
    detached: true,
  })
  const limit = setTimeout(() => killGroup(child.pid), limitMs)
  await once(child, 'exit')
  clearTimeout(limit)
  killGroup(child.pid)
  return child.exitCode === 0
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // Nothing of the group is left.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
