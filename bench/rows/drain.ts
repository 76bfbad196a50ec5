import { sendEvents } from '../load/run-load.ts'
import { endpointPath, openSite } from '../support/open-site.ts'
import { cpuMicroseconds, residentBytes } from '../support/process-cost.ts'
import { checkOutcomes, drained, lastCommitAt } from '../support/settle.ts'
import type { Service } from '../support/start-services.ts'

/** A pipeline under test: the entry files of its two processes. */
export interface Pipeline {
  readonly ingress: string
  readonly worker: string
  readonly workerEnv?: Readonly<Record<string, string>>
}

export const ours: Pipeline = { ingress: 'apps/ingress/src/main.ts', worker: 'apps/worker/src/main.ts' }
export const plain: Pipeline = { ingress: 'bench/plain/ingress.ts', worker: 'bench/plain/worker.ts' }

export interface DrainResult {
  readonly perSecond: number
  /** CPU microseconds per event: the ingress while the intake filled, the rest while it drained. */
  readonly cpu: { readonly ingress: number; readonly worker: number; readonly redis: number; readonly postgres: number }
  readonly redisBytesPerWaitingEvent: number
  /** Of the ingress while it fills the intake, and of one worker while it drains it. */
  readonly memory: { readonly ingress: MemoryUse; readonly worker: MemoryUse }
}

/** In bytes: at a tenth of the way, and at its highest. */
interface MemoryUse {
  readonly early: number
  readonly peak: number
}

/** A backlog comes from many senders: with so many requests at once, jobs are as large as they are then. */
const fillConnections = 256

/** Fills the intake through the ingress, then lets workers drain it, from their readiness to the last committed outcome. */
export async function drainBacklog(
  servers: { readonly redis: Service; readonly postgres: Service },
  pipeline: Pipeline,
  events: number,
  workers = 1,
): Promise<DrainResult> {
  await using stack = new AsyncDisposableStack()
  const site = await openSite(stack, servers)
  const emptyBytes = await usedMemory(site.redis)
  const ingress = await site.start(pipeline.ingress)
  const ingressBefore = cpuMicroseconds(ingress.pid)
  const ingressMemory: number[] = []
  const sampling = setInterval(() => ingressMemory.push(residentBytes(ingress.pid)), 100)
  await sendEvents({ url: ingress.url, path: endpointPath, first: 0, count: events, connections: fillConnections })
  clearInterval(sampling)
  const ingressCpu = cpuMicroseconds(ingress.pid) - ingressBefore
  await ingress[Symbol.asyncDispose]()
  const fullBytes = await usedMemory(site.redis)

  const pids = [servers.redis.pid, servers.postgres.pid]
  const before = pids.map(cpuMicroseconds)
  const started = await Promise.all(
    Array.from({ length: workers }, () => site.start(pipeline.worker, pipeline.workerEnv)),
  )
  const workersBefore = started.map(({ pid }) => cpuMicroseconds(pid))
  const readyAt = Date.now()
  const workerMemory: number[] = []
  await drained(site.queues, 60_000 + events * 10, () => workerMemory.push(residentBytes(started[0]?.pid ?? 0)))
  const [redisCpu = 0, postgresCpu = 0] = pids.map((pid, index) => cpuMicroseconds(pid) - (before[index] ?? 0))
  const workerCpu = started.reduce((sum, { pid }, index) => sum + cpuMicroseconds(pid) - (workersBefore[index] ?? 0), 0)
  await checkOutcomes(site.db, events, ['pause-tracking', 'crm-sync'])
  return {
    perSecond: (events * 1_000) / ((await lastCommitAt(site.db)) - readyAt),
    cpu: {
      ingress: ingressCpu / events,
      worker: workerCpu / events,
      redis: redisCpu / events,
      postgres: postgresCpu / events,
    },
    redisBytesPerWaitingEvent: (fullBytes - emptyBytes) / events,
    memory: { ingress: toMemoryUse(ingressMemory), worker: toMemoryUse(workerMemory) },
  }
}

function toMemoryUse(samples: readonly number[]): MemoryUse {
  return { early: samples[Math.floor(samples.length / 10)] ?? Number.NaN, peak: Math.max(...samples) }
}

async function usedMemory(redis: { info(section: string): Promise<string> }): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}
