import { join } from 'node:path'
import { defineConfig, mergeConfig } from 'vitest/config'
import project from '../../vitest.config.ts'

/** The project's tests, stopped at the first failure and without shrinking counterexamples, which nobody reads here. */
export default mergeConfig(
  project,
  defineConfig({
    root: join(import.meta.dirname, '..', '..'),
    test: { bail: 1, maxWorkers: 2, setupFiles: ['test/mutation/end-on-failure.ts'] },
  }),
)
