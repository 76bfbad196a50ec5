import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyMutant, type Mutant } from './mutant.ts'
import type { TestRounds } from './select-tests.ts'

export type MutantResult = 'killed' | 'survived' | 'no test'

/** A copy of the project with at most one mutant at a time. */
export interface Lane extends AsyncDisposable {
  run(mutant: Mutant, rounds: TestRounds): Promise<MutantResult>
}

/** A mutant that makes a test hang counts as detected. */
const limitMs = 150_000

/** `env` is the environment of the tests, with the URLs of their Redis and Postgres. */
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

/** The project's code is copied. Dependencies are linked, except for the workspace links, which are copied. */
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
    // A separate process group, so that everything a hanging test started can be killed.
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
    // The group has already exited.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
