import { setTimeout as delay } from 'node:timers/promises'
import type { Direction, TcpProxy } from '@warmhook/testing/start-tcp-proxy'
import type { ChaosSite } from '../chaos-site.ts'
import { drawOutage, type Fault } from './fault.ts'

const directions: readonly (readonly [string, readonly Direction[]])[] = [
  ['both directions', ['command', 'answer']],
  ['what we send is lost', ['command']],
  ['what we are sent is lost', ['answer']],
]

/**
 * Every open connection silently drops bytes, as after a lost NAT entry, while new connections work. Only the processes
 * themselves can detect this. Nothing has to be repaired when the fault ends.
 */
export const silenceFaults: readonly Fault[] = [
  ...directions.map(([name, lost]) =>
    silence(`Redis: connections silent, ${name}`, ({ redis }) => redis.proxies, lost),
  ),
  ...directions.map(([name, lost]) =>
    silence(`Postgres: connections silent, ${name}`, ({ postgresProxy }) => [postgresProxy], lost),
  ),
]

function silence(name: string, proxiesOf: (site: ChaosSite) => readonly TcpProxy[], lost: readonly Direction[]): Fault {
  return {
    name,
    async inject(site, random, lengths) {
      for (const proxy of proxiesOf(site)) proxy.silence(...lost)
      await delay(drawOutage(random, lengths))
    },
  }
}
