import { readServerState } from '@warmhook/store/read-server-state'
import { ok, warning, type Check, type Finding } from './finding.ts'

const toleratedMs = 2_000

/** Clocks: arrival order is based on the clocks of the ingresses. */
export const checkClocks: Check = {
  name: 'clocks',
  async run({ redis, db, now }) {
    const [seconds, microseconds] = await redis.time()
    const redisMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000
    return [compare('Redis', redisMs - now()), compare('Postgres', (await readServerState(db)).now - now())]
  },
}

function compare(what: string, differenceMs: number): Finding {
  const seconds = Math.abs(differenceMs / 1_000).toFixed(1)
  return Math.abs(differenceMs) <= toleratedMs
    ? ok(`the clock of ${what} is within ${seconds} s of this machine's`)
    : warning(
        `the clock of ${what} differs from this machine's by ${seconds} s`,
        'Run NTP on every machine: events are ordered by the clock of their ingress.',
      )
}
