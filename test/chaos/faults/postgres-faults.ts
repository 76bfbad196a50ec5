import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosSite } from '../chaos-site.ts'
import { drawOutage, type Fault } from './fault.ts'

/** The network before Postgres. */
export const postgresFaults: readonly Fault[] = [
  {
    name: 'Postgres: unreachable',
    async inject({ postgresProxy }, random, lengths) {
      postgresProxy.refuses = true
      postgresProxy.resetAll()
      await delay(drawOutage(random, lengths))
      postgresProxy.refuses = false
    },
  },
]

/** The server itself, where it is ours. */
export const postgresServerFaults: readonly Fault[] = [
  { name: 'Postgres: crash and restart', inject: ({ postgres }) => restartAfter(postgres, 0) },
  {
    name: 'Postgres: stopped',
    inject: ({ postgres }, _random, lengths) => restartAfter(postgres, lengths.outage.most),
  },
]

async function restartAfter({ server }: ChaosSite['postgres'], stoppedMs: number): Promise<void> {
  if (server === undefined) throw new Error('this Postgres is not ours to crash')
  await server.crash()
  await delay(stoppedMs)
  await server.restart()
}
