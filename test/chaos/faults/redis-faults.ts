import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosSite } from '../chaos-site.ts'
import type { Random } from '../random.ts'
import { drawAway, type Fault, type FaultLengths } from './fault.ts'

/** Redis itself, and the network before it. */
export const redisFaults: readonly Fault[] = [
  { name: 'Redis: SIGKILL and restart', inject: ({ redis }) => restartAfter(redis, 0) },
  {
    name: 'Redis: away',
    inject: ({ redis }, _random, lengths) => restartAfter(redis, lengths.away.most),
  },
  { name: 'Redis: connections reset mid-command', inject: resetConnections },
  { name: 'Redis: latency', inject: slowDown },
  { name: 'Redis: replica promoted', inject: promoteReplica },
  { name: 'Redis: nearly at maxmemory', inject: (site, random, lengths) => limitMemory(site, 1.1, random, lengths) },
  { name: 'Redis: at maxmemory', inject: (site, random, lengths) => limitMemory(site, 0.98, random, lengths) },
]

async function restartAfter(redis: ChaosSite['redis'], awayMs: number): Promise<void> {
  await redis.kill()
  await delay(awayMs)
  await redis.start()
}

async function resetConnections({ redisProxy }: ChaosSite, random: Random): Promise<void> {
  const cuts = Array.from({ length: random.between(3, 8) }, () => ({
    where: random.between(0, 1) === 0 ? ('command' as const) : ('answer' as const),
    pauseMs: random.between(50, 1_500),
  }))
  for (const { where, pauseMs } of cuts) {
    redisProxy.resetMidway(where)
    await delay(pauseMs)
  }
  redisProxy.resetAll()
}

async function slowDown({ redisProxy }: ChaosSite, random: Random, lengths: FaultLengths): Promise<void> {
  redisProxy.latencyMs = random.between(20, 300)
  await delay(drawAway(random, lengths))
  redisProxy.latencyMs = 0
}

/** `share` of what is in use: above 1 there is a little room left. */
async function limitMemory({ redis }: ChaosSite, share: number, random: Random, lengths: FaultLengths): Promise<void> {
  await redis.limitMemory(Math.round((await redis.usedMemory()) * share))
  await delay(drawAway(random, lengths))
  await redis.limitMemory(0)
}

/** The address stays, as behind a proxy that follows the master; connections that are there meet a read-only replica. */
async function promoteReplica({ redis, redisProxy }: ChaosSite, random: Random): Promise<void> {
  await redis.promoteReplica(random.between(0, 5_000), () => {
    redisProxy.target = { host: '127.0.0.1', port: redis.port }
  })
}
