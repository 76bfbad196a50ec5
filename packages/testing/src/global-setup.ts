import { constants } from 'node:os'
import type { TestProject } from 'vitest/node'
import { postgresContainer, redisContainer } from './container-sources.ts'
import { localPostgres } from './local-postgres.ts'
import { localRedis } from './local-redis.ts'
import type { TestServices } from './provided-context.ts'
import { type ServiceSource, startFirst, type TestService } from './test-service.ts'

/**
 * Provides one Redis and one Postgres for all tests: from TEST_REDIS_URL and TEST_DATABASE_URL, else containers, else
 * locally installed programs. Vitest calls the returned function at the end, even after failures.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = (line: string) => process.stderr.write(`${line}\n`)
  exitOnSignals()
  const { TEST_REDIS_URL, TEST_DATABASE_URL } = process.env
  const started = await Promise.allSettled([
    startFirst('Redis', [given(TEST_REDIS_URL), redisContainer, localRedis], log),
    startFirst('Postgres', [given(TEST_DATABASE_URL), postgresContainer, localPostgres], log),
  ])
  const services = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const teardown = async () => void (await Promise.all(services.map((service) => service[Symbol.asyncDispose]())))
  const [redis, postgres] = started
  if (redis.status === 'rejected' || postgres.status === 'rejected') {
    await teardown()
    throw new AggregateError(
      started.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : [])),
      'no Redis or no Postgres for the tests',
    )
  }
  const urls: TestServices = { redisUrl: redis.value.url, databaseUrl: postgres.value.url }
  project.provide('redisUrl', urls.redisUrl)
  project.provide('databaseUrl', urls.databaseUrl)
  return teardown
}

/**
 * A dependency of Testcontainers handles a signal by raising it again, which ends the process without running its exit
 * hooks and so leaves the servers running. It does not do so if there are other listeners.
 */
function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
  }
}

function given(url: string | undefined): ServiceSource {
  const service = (found: string): TestService => ({ url: found, [Symbol.asyncDispose]: async () => {} })
  return { name: 'the environment', start: async () => (url === undefined || url === '' ? undefined : service(url)) }
}
