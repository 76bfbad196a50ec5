import { join } from 'node:path'
import type { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { defaultMaxmemory } from '@warmhook/redis-server/default-maxmemory'
import { superviseRedisServer, type SupervisionEvent } from '@warmhook/redis-server/supervise-redis-server'
import type { Logger } from '@warmhook/telemetry/logger'
import type { StandaloneSettings } from './env.ts'

interface PrivateRedisDeps {
  readonly log: Logger
  /** Called when the process cannot continue. */
  readonly giveUp: (error: Error) => void
}

/** Starts and supervises a Redis that stores its data in `dataDir`, and returns its URL. */
export async function openPrivateRedis(
  scope: ResourceScope,
  { dataDir, redisMaxmemory }: Pick<StandaloneSettings, 'dataDir' | 'redisMaxmemory'>,
  { log, giveUp }: PrivateRedisDeps,
): Promise<string> {
  const server = await superviseRedisServer({
    dataDir: join(dataDir, 'redis'),
    password: true,
    maxmemory: redisMaxmemory ?? defaultMaxmemory(),
    log: (line) => log.debug({ line }, 'private redis'),
    onEvent: (event) => logEvent(log, event),
    onGiveUp: giveUp,
  })
  scope.use('private redis', server, 10_000)
  return server.url
}

function logEvent(log: Logger, event: SupervisionEvent): void {
  switch (event.status) {
    case 'hung':
      return log.error('the private Redis does not respond; killing and restarting it')
    case 'ended':
      return log.error(event.exit, 'the private Redis exited; restarting it')
    case 'restart failed':
      return log.error({ err: event.error }, 'the private Redis could not be restarted')
    case 'restarted':
      return log.warn({ redisPid: event.pid }, 'the private Redis runs again')
  }
}
