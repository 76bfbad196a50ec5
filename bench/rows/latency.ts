import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Database } from '@warmhook/store/database'
import { sendEvents } from '../load/run-load.ts'
import { endpointPath, openSite } from '../support/open-site.ts'
import { cpuMicroseconds } from '../support/process-cost.ts'
import { checkOutcomes, drained } from '../support/settle.ts'
import type { Service } from '../support/start-services.ts'
import type { Pipeline } from './drain.ts'

/** In ms. */
export interface LatencyResult {
  /** From when the event was due to its 202. */
  readonly ack: { readonly p50: number; readonly p99: number; readonly p999: number }
  /** From the 202 to the commit of the last handler's outcome. */
  readonly outcome: { readonly p50: number; readonly p99: number }
  /** In microseconds per event. */
  readonly cpu: {
    readonly ingress: number
    readonly worker: number
    readonly redis: number
    readonly postgres: number
    readonly all: number
  }
}

const leadInSeconds = 5

/**
 * Offers events at a steady rate, in an open loop, to an ingress and a worker that run warm: after the pipeline's warm-up,
 * the lead-in has batches of the size of those that are measured.
 */
export async function measureLatency(
  servers: { readonly redis: Service; readonly postgres: Service },
  pipeline: Pipeline,
  {
    perSecond,
    seconds,
    crmDelayMs,
  }: { readonly perSecond: number; readonly seconds: number; readonly crmDelayMs: number },
): Promise<LatencyResult> {
  await using stack = new AsyncDisposableStack()
  const site = await openSite(stack, servers, { crmDelayMs })
  const directory = await mkdtemp(join(tmpdir(), 'warmhook-bench-acks-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const acksFile = join(directory, 'acks')
  const ingress = await site.start(pipeline.ingress)
  const worker = await site.start(pipeline.worker)
  const pids = [ingress.pid, worker.pid, servers.redis.pid, servers.postgres.pid]
  const leadIn = Math.ceil(perSecond * leadInSeconds)
  const count = leadIn + Math.ceil(perSecond * seconds)
  const { warmUp } = pipeline
  const load = { url: ingress.url, path: endpointPath, connections: 64, warmUp, first: warmUp, count }
  let before: readonly number[] = []
  const sent = await sendEvents({ ...load, perSecond, leadIn, acksFile }, async () => {
    await drained(site.queues, 60_000)
    before = pids.map(cpuMicroseconds)
  })
  await drained(site.queues, 60_000 + count * 10)
  const used = pids.map((pid, at) => (cpuMicroseconds(pid) - (before[at] ?? 0)) / count)
  await checkOutcomes(site.db, warmUp + count, ['pause-tracking', 'crm-sync'])
  const committed = await readCommits(site.db)
  const waits = readFileSync(acksFile, 'utf8')
    .split('\n')
    .map((line) => {
      const [id = '', ackedAt] = line.split(' ')
      return (committed.get(id) ?? Number.NaN) - Number(ackedAt)
    })
    .toSorted((a, b) => a - b)
  const at = (share: number): number =>
    waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? Number.NaN
  return { ack: sent.ack, outcome: { p50: at(0.5), p99: at(0.99) }, cpu: toCost(used) }
}

function toCost([ingress = 0, worker = 0, redis = 0, postgres = 0]: readonly number[]): LatencyResult['cpu'] {
  return { ingress, worker, redis, postgres, all: ingress + worker + redis + postgres }
}

/** When each event's last outcome was committed, in ms since the epoch. */
async function readCommits(db: Database): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ event_id: string; ms: number }>`
    SELECT event_id, max(date_part('epoch', pg_xact_commit_timestamp(xmin))) * 1000 AS ms
    FROM deliveries GROUP BY event_id`.execute(db)
  return new Map(rows.map((row) => [row.event_id, row.ms]))
}
