import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import type { ServiceSource } from './test-service.ts'

/** A locally installed Redis, with its data in a temporary directory. */
export const localRedis: ServiceSource = {
  name: "this machine's programs",
  async start() {
    const dataDir = await mkdtemp(join(tmpdir(), 'warmhook-redis-'))
    const removeData = () => rmSync(dataDir, { recursive: true, force: true })
    // In case the test runner exits without its teardown; the server has its own exit hook.
    process.once('exit', removeData)
    try {
      const server = await startRedisServer({ dataDir })
      return {
        url: server.url,
        async [Symbol.asyncDispose]() {
          await server.stop()
          removeData()
        },
      }
    } catch (error) {
      removeData()
      throw error
    }
  },
}
