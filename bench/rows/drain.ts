import { sendEvents } from '../load/run-load.ts'
import { endpointPath, openSite } from '../support/open-site.ts'
import { cpuMicroseconds, residentBytes } from '../support/process-cost.ts'
import { checkOutcomes, drained, lastCommitAt } from '../support/settle.ts'
import type { Service } from '../support/start-services.ts'

/** A pipeline under test: the entry files of its two processes. */
export interface Pipeline {
  readonly ingress: string
  readonly worker: string
  /** Events that go through it first: enough for the compilers of Node to be done. */
  readonly warmUp: number
}

export const ours: Pipeline = {
  ingress: 'apps/ingress/src/main.ts',
  worker: 'apps/worker/src/main.ts',
  warmUp: 30_000,
}
export const baseline: Pipeline = {
  ingress: 'bench/baseline/ingress.ts',
  worker: 'bench/baseline/worker.ts',
  warmUp: 1_000,
}

export interface DrainResult {
  readonly perSecond: number
  /** CPU microseconds per event: the ingress while the intake fills, the rest while it drains. */
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

/**
 * Fills the intake through the ingress while its queue is paused, then lets warm workers drain it, from the end of the
 * pause to the last committed outcome.
 */
export async function drainBacklog(
  servers: { readonly redis: Service; readonly postgres: Service },
  pipeline: Pipeline,
  events: number,
  workers = 1,
): Promise<DrainResult> {
  await using stack = new AsyncDisposableStack()
  const site = await openSite(stack, servers)
  const [intake] = site.queues
  if (intake === undefined) throw new TypeError('a site has an intake queue')
  const { warmUp } = pipeline
  const ingress = await site.start(pipeline.ingress)
  const started = await Promise.all(Array.from({ length: workers }, () => site.start(pipeline.worker)))
  const fill = { url: ingress.url, path: endpointPath, connections: fillConnections }
  await sendEvents({ ...fill, first: 0, count: warmUp })
  await drained(site.queues, 60_000)

  await intake.pause()
  const emptyBytes = await usedMemory(site.redis)
  const ingressBefore = cpuMicroseconds(ingress.pid)
  const ingressMemory: number[] = []
  const sampling = setInterval(() => ingressMemory.push(residentBytes(ingress.pid)), 100)
  await sendEvents({ ...fill, first: warmUp, count: events })
  clearInterval(sampling)
  const ingressCpu = cpuMicroseconds(ingress.pid) - ingressBefore
  await ingress[Symbol.asyncDispose]()
  const fullBytes = await usedMemory(site.redis)

  const pids = [servers.redis.pid, servers.postgres.pid, ...started.map(({ pid }) => pid)]
  const before = pids.map(cpuMicroseconds)
  const workerMemory: number[] = []
  const startedAt = Date.now()
  await intake.resume()
  await drained(site.queues, 60_000 + events * 10, () => workerMemory.push(residentBytes(started[0]?.pid ?? 0)))
  const [redisCpu = 0, postgresCpu = 0, ...workerCpus] = pids.map((pid, at) => cpuMicroseconds(pid) - (before[at] ?? 0))
  const workerCpu = workerCpus.reduce((sum, cpu) => sum + cpu, 0)
  await checkOutcomes(site.db, warmUp + events, ['pause-tracking', 'crm-sync'])
  return {
    perSecond: (events * 1_000) / ((await lastCommitAt(site.db)) - startedAt),
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
