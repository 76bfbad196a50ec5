import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosSite } from '../chaos-site.ts'
import { handlers } from '../outcome-tracker.ts'
import type { Random } from '../random.ts'
import { drawOutage, type Fault, type FaultLengths } from './fault.ts'

/** Faults of Redis and of the network between the processes and Redis. */
export const redisFaults: readonly Fault[] = [
  { name: 'Redis: SIGKILL and restart', inject: killMaster },
  {
    name: 'Redis: stopped',
    inject: ({ redis }, _random, lengths) => stopFor(redis, lengths.outage.most),
  },
  { name: 'Redis: handler queues wiped after routing', inject: wipeHandlerQueues },
  { name: 'Redis: connections reset mid-command', inject: resetConnections },
  { name: 'Redis: latency', inject: slowDown },
  { name: 'Redis: replica promoted by Sentinel', inject: promoteReplica },
  { name: 'Redis: nearly at maxmemory', inject: (site, random, lengths) => limitMemory(site, 1.1, random, lengths) },
  { name: 'Redis: at maxmemory', inject: (site, random, lengths) => limitMemory(site, 0.98, random, lengths) },
]

async function killMaster({ redis }: ChaosSite): Promise<void> {
  await redis.killMaster()
  await redis.start()
}

async function stopFor(redis: ChaosSite['redis'], stoppedMs: number): Promise<void> {
  await redis.killBoth()
  await delay(stoppedMs)
  await redis.start()
}

/** Pauses the handlers first, so that their queues hold routed work. Wiping a queue also ends its pause. */
async function wipeHandlerQueues(site: ChaosSite, random: Random, lengths: FaultLengths): Promise<void> {
  await Promise.all(handlers.map((name) => site.pauseHandler(name)))
  await delay(drawOutage(random, lengths))
  for (const name of handlers) await site.redis.removeKeys(`*:${name}:*`)
}

async function resetConnections({ redis }: ChaosSite, random: Random): Promise<void> {
  const cuts = Array.from({ length: random.between(3, 8) }, () => ({
    where: random.between(0, 1) === 0 ? ('command' as const) : ('answer' as const),
    pauseMs: random.between(50, 1_500),
  }))
  for (const { where, pauseMs } of cuts) {
    for (const proxy of redis.proxies) proxy.resetMidway(where)
    await delay(pauseMs)
  }
  for (const proxy of redis.proxies) proxy.resetAll()
}

async function slowDown({ redis }: ChaosSite, random: Random, lengths: FaultLengths): Promise<void> {
  const latencyMs = random.between(20, 300)
  for (const proxy of redis.proxies) proxy.latencyMs = latencyMs
  await delay(drawOutage(random, lengths))
  for (const proxy of redis.proxies) proxy.latencyMs = 0
}

/** Limits memory to `share` of the memory in use; above 1, a little room is left. */
async function limitMemory({ redis }: ChaosSite, share: number, random: Random, lengths: FaultLengths): Promise<void> {
  await redis.limitMemory(Math.round((await redis.usedMemory()) * share))
  await delay(drawOutage(random, lengths))
  await redis.limitMemory(0)
}

/** The master dies with writes that the replica lacks, and returns as a replica of the new master. */
async function promoteReplica({ redis }: ChaosSite, random: Random): Promise<void> {
  await redis.cutReplicaOff()
  await delay(random.between(200, 1_000))
  await redis.killMaster()
  await redis.waitForPromotion()
  await delay(random.between(0, 5_000))
  await redis.start()
}
