import { defineConfig } from 'vitest/config'
import { SummaryLineReporter } from '@warmhook/testing/summary-line-reporter'

export default defineConfig({
  test: {
    include: ['{apps,packages}/*/{src,test}/**/*.test.ts', 'test/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    // Tests mostly wait, for processes and servers, so three share two cores well.
    maxWorkers: 3,
    globalSetup: ['packages/testing/src/global-setup.ts'],
    reporters: ['default', new SummaryLineReporter()],
    // Only for what hangs: a machine can be five times slower than usual.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
