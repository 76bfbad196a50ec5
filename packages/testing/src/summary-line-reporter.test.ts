import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)

describe('SummaryLineReporter', () => {
  it('ends a successful run with its counts', async () => {
    await using project = await createProject({ 'good.test.ts': good })
    expect(await project.lastLine()).toBe('2 passed, 0 failed, 1 skipped')
  })

  it('counts failed tests and files that failed to load', async () => {
    await using project = await createProject({
      'good.test.ts': good,
      'bad.test.ts': bad,
      'broken.test.ts': 'throw new Error("no")',
    })
    expect(await project.lastLine()).toBe('3 passed, 2 failed, 1 skipped')
  })
})

const good = `
  import { it } from 'vitest'
  it('one', () => {})
  it('two', () => {})
  it.skip('three', () => {})
`
const bad = `
  import { expect, it } from 'vitest'
  it('holds', () => {})
  it('fails', () => expect(1).toBe(2))
`

async function createProject(files: Readonly<Record<string, string>>) {
  // Inside the repository, so that it finds vitest; ignored by git and by the outer run.
  const root = await mkdtemp(join(import.meta.dirname, '..', '.tmp-'))
  const reporter = join(import.meta.dirname, 'summary-line-reporter.ts')
  const config = `
    import { SummaryLineReporter } from '${reporter}'
    export default { test: { reporters: ['default', new SummaryLineReporter()] } }
  `
  for (const [name, text] of Object.entries({ ...files, 'vitest.config.ts': config }))
    await writeFile(join(root, name), text)
  return {
    async lastLine() {
      const vitest = join(import.meta.dirname, '../../../node_modules/vitest/vitest.mjs')
      const { stdout } = await run(process.execPath, [vitest, 'run', '--root', root]).catch(toFailedRun)
      return stdout.trimEnd().split('\n').at(-1)
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

/** A run with failed tests exits with code 1 but still has output. */
function toFailedRun(error: unknown): { readonly stdout: string } {
  if (error instanceof Error && 'stdout' in error && typeof error.stdout === 'string') return { stdout: error.stdout }
  throw error
}
