import { join } from 'node:path'
import { defineConfig, mergeConfig } from 'vitest/config'
import project from '../../vitest.config.ts'

/** The project's tests, ended by the first failure and without a search for the smallest one: nobody reads it here. */
export default mergeConfig(
  project,
  defineConfig({
    root: join(import.meta.dirname, '..', '..'),
    test: { bail: 1, maxWorkers: 2, setupFiles: ['test/mutation/end-on-failure.ts'] },
  }),
)
