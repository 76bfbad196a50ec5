import { readServerState } from '@warmhook/store/read-server-state'
import { ok, warning, type Check, type Finding } from './finding.ts'

const toleratedMs = 2_000

/** Clocks: arrival order is made of the ingresses' times. */
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
    ? ok(`the clock of ${what} agrees with this machine's within ${seconds} s`)
    : warning(
        `the clock of ${what} differs from this machine's by ${seconds} s`,
        'Run a time service (NTP) on every machine: events are put in order by the clock of their ingress.',
      )
}
