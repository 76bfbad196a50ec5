import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one plain line, for machines that read it: "12 passed, 0 failed, 1 skipped". */
export class SummaryLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    process.stdout.write(`${toSummaryLine(modules, unhandledErrors.length)}\n`)
  }
}

function toSummaryLine(modules: readonly TestModule[], unhandledErrors: number): string {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const count = (state: string) => tests.filter((test) => test.result().state === state).length
  // A file that didn't load, or a hook that failed, has no failed test to show for it.
  const failedModules = modules.filter((module) => module.state() === 'failed' && !hasFailedTest(module)).length
  const skipped = count('skipped')
  const failed = count('failed') + failedModules + unhandledErrors
  return `${count('passed')} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}

function hasFailedTest(module: TestModule): boolean {
  return [...module.children.allTests('failed')].length > 0
}
