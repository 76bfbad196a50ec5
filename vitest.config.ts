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
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})
