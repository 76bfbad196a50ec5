import { EnvelopeBatch } from '@warmhook/schema/batch'
import type { Queue } from 'bullmq'
import { floodFor, type Throughput } from '../load/run-load.ts'
import { endpointPath, openSite, type Site } from '../support/open-site.ts'
import { startPostgres, startRedis, type Service } from '../support/start-services.ts'
import { ownersPath, writeOwners } from '../support/write-owners.ts'

/** A server that takes requests, and how its Redis writes to the disk. */
interface Target {
  readonly entry: string
  readonly appendfsync: 'everysec' | 'always'
  /** A route that keeps nothing has nothing to check. */
  readonly keeps: boolean
  /** Owners in an ENDPOINTS_FILE, whose keys the requests take in turn. Undefined: the default endpoint. */
  readonly owners?: number
}

const targets = {
  bare: { entry: 'bench/servers/bare-hono.ts', appendfsync: 'everysec', keeps: false },
  waiting: { entry: 'bench/servers/waiting-hono.ts', appendfsync: 'everysec', keeps: false },
  ours: { entry: 'apps/ingress/src/main.ts', appendfsync: 'everysec', keeps: true },
  baseline: { entry: 'bench/baseline/ingress.ts', appendfsync: 'everysec', keeps: true },
  'ours, 10,000 owners': {
    entry: 'apps/ingress/src/main.ts',
    appendfsync: 'everysec',
    keeps: true,
    owners: 10_000,
  },
  'ours, fsync always': { entry: 'apps/ingress/src/main.ts', appendfsync: 'always', keeps: true },
} as const satisfies Readonly<Record<string, Target>>
export type TargetName = keyof typeof targets

const warmUpSeconds = 2

/** Requests a second that each target answers with 202, one after the other, in every round. */
export async function measureTargets(
  rounds: number,
  { seconds, connections }: { readonly seconds: number; readonly connections: number },
  onRound: (round: number) => void,
): Promise<readonly Readonly<Record<TargetName, number>>[]> {
  await using stack = new AsyncDisposableStack()
  const postgres = await startPostgres(stack)
  const redis = { everysec: await startRedis(stack), always: await startRedis(stack, 'always') }
  const results: Record<TargetName, number>[] = []
  for (let round = 1; round <= rounds; round += 1) {
    const result: Record<TargetName, number> = {
      bare: 0,
      waiting: 0,
      ours: 0,
      'ours, 10,000 owners': 0,
      baseline: 0,
      'ours, fsync always': 0,
    }
    for (const name of targetNames) {
      const target: Target = targets[name]
      result[name] = await measureTarget(
        target,
        { redis: redis[target.appendfsync], postgres },
        { seconds, connections },
      )
    }
    results.push(result)
    onRound(round)
  }
  return results
}

const targetNames = Object.keys(targets) as TargetName[]

async function measureTarget(
  target: Target,
  servers: { readonly redis: Service; readonly postgres: Service },
  { seconds, connections }: { readonly seconds: number; readonly connections: number },
): Promise<number> {
  await using stack = new AsyncDisposableStack()
  const site = await openSite(stack, servers)
  const { env, path } = await toEndpoints(stack, target)
  const server = await site.start(target.entry, env)
  const warmUp = await floodFor(warmUpSeconds, server.url, connections, path)
  const measured = await floodFor(seconds, server.url, connections, path)
  // What is still under way is in the queue when the server has stopped.
  await server[Symbol.asyncDispose]()
  if (target.keeps) await checkKept(site, [warmUp, measured], connections)
  return measured.perSecond
}

/** Many owners have the limits that several endpoints have, though too high to be reached. */
async function toEndpoints(stack: AsyncDisposableStack, { owners }: Target) {
  if (owners === undefined) return { env: {}, path: endpointPath }
  const file = await writeOwners(stack, owners)
  const env = { ENDPOINTS_FILE: file, WARMHOOK_ENDPOINT_KEY: '', RATE_LIMIT_PER_SECOND: '1000000' }
  return { env, path: ownersPath }
}

/**
 * Whatever was acknowledged has to be there, each webhook once. The load generator ends with requests under way, of which
 * it does not count the answers: up to one for each connection and flood is there, too.
 */
async function checkKept(site: Site, floods: readonly Throughput[], connections: number): Promise<void> {
  const acked = floods.reduce((sum, flood) => sum + flood.acked, 0)
  const [intake] = site.queues
  const { kept, ids } = await readIntake(intake)
  if (ids !== kept) throw new Error(`${kept} webhooks are in the intake queue, but only ${ids} ids`)
  if (kept < acked || kept > acked + floods.length * connections)
    throw new Error(`${acked} webhooks were acknowledged, but ${kept} are in the intake queue`)
}

async function readIntake(intake: Queue | undefined): Promise<{ readonly kept: number; readonly ids: number }> {
  const ids = new Set<string>()
  let kept = 0
  for (let start = 0; ; start += 500) {
    const jobs = (await intake?.getJobs(['waiting'], start, start + 499)) ?? []
    if (jobs.length === 0) return { kept, ids: ids.size }
    for (const { envelopes } of jobs.map((job) => EnvelopeBatch.parse(job.data))) {
      kept += envelopes.length
      for (const { id } of envelopes) ids.add(id)
    }
  }
}
