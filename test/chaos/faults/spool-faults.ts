import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosSite } from '../chaos-site.ts'
import type { Random } from '../random.ts'
import { drawOutage, type Fault, type FaultLengths } from './fault.ts'

/** Faults of the ingress and its spool while Redis is unreachable. */
export const spoolFaults: readonly Fault[] = [
  { name: 'Redis outage: spool full', inject: fillSpool },
  { name: 'Redis outage: ingress SIGKILL', inject: killWithSpool },
]

const smallSpoolBytes = 512 * 1024

/** With a full spool, the ingress may refuse webhooks but must not lose accepted ones. */
async function fillSpool({ ingress, redis }: ChaosSite, random: Random, lengths: FaultLengths): Promise<void> {
  await ingress.replace({ SPOOL_MAX_BYTES: String(smallSpoolBytes) })
  await delay(2_000)
  await redis.killBoth()
  await delay(drawOutage(random, lengths))
  await redis.start()
  await ingress.replace({})
}

async function killWithSpool({ ingress, redis }: ChaosSite, random: Random): Promise<void> {
  const pauses = [random.between(1_000, 5_000), random.between(1_000, 5_000)]
  await redis.killBoth()
  for (const pauseMs of pauses) {
    await delay(pauseMs)
    await ingress.signal('SIGKILL')
  }
  await redis.start()
}
