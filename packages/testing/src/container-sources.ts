import type { ServiceSource } from './test-service.ts'

/** Redis in a container, if a container engine is running. */
export const redisContainer: ServiceSource = {
  name: 'a container',
  async start() {
    if (!(await hasContainerEngine())) return undefined
    const { RedisContainer } = await import('@testcontainers/redis')
    const command = ['redis-server', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', '']
    const container = await new RedisContainer('redis:7-alpine').withCommand(command).start()
    return { url: container.getConnectionUrl(), [Symbol.asyncDispose]: async () => void (await container.stop()) }
  },
}

/** Postgres in a container, if a container engine is running. */
export const postgresContainer: ServiceSource = {
  name: 'a container',
  async start() {
    if (!(await hasContainerEngine())) return undefined
    const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
    // The data is thrown away after the test, so nothing is flushed to disk.
    const command = ['postgres', '-c', 'fsync=off', '-c', 'max_connections=300']
    const container = await new PostgreSqlContainer('postgres:17-alpine').withCommand(command).start()
    return { url: container.getConnectionUri(), [Symbol.asyncDispose]: async () => void (await container.stop()) }
  },
}

async function hasContainerEngine(): Promise<boolean> {
  // Loaded lazily: the import takes a second, which a run against TEST_REDIS_URL and TEST_DATABASE_URL saves.
  const { getContainerRuntimeClient } = await import('testcontainers')
  try {
    await getContainerRuntimeClient()
    return true
  } catch {
    // Testcontainers reports a missing engine only by throwing.
    return false
  }
}
