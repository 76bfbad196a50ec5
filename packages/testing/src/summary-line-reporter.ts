import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one machine-readable line: "12 passed, 0 failed, 1 skipped". */
export class SummaryLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    process.stdout.write(`${toSummaryLine(modules, unhandledErrors.length)}\n`)
  }
}

function toSummaryLine(modules: readonly TestModule[], unhandledErrors: number): string {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const count = (state: string) => tests.filter((test) => test.result().state === state).length
  // A file that failed to load or a failed hook leaves no failed test.
  const failedModules = modules.filter((module) => module.state() === 'failed' && !hasFailedTest(module)).length
  const skipped = count('skipped')
  const failed = count('failed') + failedModules + unhandledErrors
  return `${count('passed')} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}

function hasFailedTest(module: TestModule): boolean {
  return [...module.children.allTests('failed')].length > 0
}
