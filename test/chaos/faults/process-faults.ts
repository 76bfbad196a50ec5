import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosSite } from '../chaos-site.ts'
import type { Random } from '../random.ts'
import type { Supervised } from '../supervise.ts'
import type { Fault } from './fault.ts'

/** Warmhook processes that are killed or stopped while they work. */
export const processFaults: readonly Fault[] = [
  { name: 'ingress: SIGKILL', inject: (site) => site.ingress.signal('SIGKILL') },
  { name: 'board: SIGKILL', inject: (site) => site.board.signal('SIGKILL') },
  { name: 'worker: SIGKILL', inject: (site, random) => drawWorker(site, random).signal('SIGKILL') },
  { name: 'workers: SIGKILL three times', inject: killAllWorkers },
  { name: 'worker: SIGSTOP beyond the lock', inject: freezeWorker },
]

async function killAllWorkers({ workers }: ChaosSite, random: Random): Promise<void> {
  const pauses = [0, random.between(500, 4_000), random.between(500, 4_000)]
  for (const pauseMs of pauses) {
    await delay(pauseMs)
    await Promise.all(workers.map((worker) => worker.signal('SIGKILL')))
  }
}

/** A job's lock expires after 15 s: when the frozen worker continues, others have taken over its jobs. */
async function freezeWorker(site: ChaosSite, random: Random): Promise<void> {
  const worker = drawWorker(site, random)
  await worker.signal('SIGSTOP')
  try {
    await delay(random.between(16_000, 30_000))
  } finally {
    await worker.signal('SIGCONT')
  }
}

function drawWorker({ workers }: ChaosSite, random: Random): Supervised {
  const worker = workers[random.between(0, workers.length - 1)]
  if (worker === undefined) throw new Error('a site has a worker')
  return worker
}
