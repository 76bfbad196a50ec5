import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosSite } from '../chaos-site.ts'
import { drawOutage, type Fault } from './fault.ts'

/** Faults of the network between the processes and Postgres. */
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

/** Faults of the server itself, if the run may crash it. */
export const postgresServerFaults: readonly Fault[] = [
  { name: 'Postgres: crash and restart', inject: ({ postgres }) => restartAfter(postgres, 0) },
  {
    name: 'Postgres: stopped',
    inject: ({ postgres }, _random, lengths) => restartAfter(postgres, lengths.outage.most),
  },
]

async function restartAfter({ server }: ChaosSite['postgres'], stoppedMs: number): Promise<void> {
  if (server === undefined) throw new Error('this run must not crash its Postgres')
  await server.crash()
  await delay(stoppedMs)
  await server.restart()
}
