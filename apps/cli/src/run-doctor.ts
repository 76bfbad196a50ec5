import { setTimeout as delay } from 'node:timers/promises'
import { handlerQueues } from '@warmhook/handlers/registry'
import { openQueue } from '@warmhook/queue/batch-producer'
import { handlerQueue, intakeQueue, reconcileQueue } from '@warmhook/queue/catalog'
import { connectProducer, disconnect } from '@warmhook/queue/connections'
import { openPostgres } from '@warmhook/store/open-database'
import type { CliContext } from './cli-context.ts'
import { checkClocks } from './doctor/check-clocks.ts'
import { checkLedger } from './doctor/check-ledger.ts'
import { checkPeers } from './doctor/check-peers.ts'
import { checkOutbox } from './doctor/check-outbox.ts'
import { checkPostgres } from './doctor/check-postgres.ts'
import { checkQueues } from './doctor/check-queues.ts'
import { checkReconciliation } from './doctor/check-reconciliation.ts'
import { checkRetention } from './doctor/check-retention.ts'
import { checkRedis } from './doctor/check-redis.ts'
import { checkSpool } from './doctor/check-spool.ts'
import { problem, type Check, type Finding, type CheckContext } from './doctor/finding.ts'
import { parseDoctorEnv } from './env.ts'

const checks: readonly Check[] = [
  checkRedis,
  checkPostgres,
  checkClocks,
  checkSpool,
  checkQueues,
  checkOutbox,
  checkPeers,
  checkReconciliation,
  checkRetention,
  checkLedger,
]
const limitMs = 5_000

/**
 * Checks an installation and prints what to do. Returns false if something needs attention now.
 *
 * @throws EnvError when REDIS_URL or DATABASE_URL is missing
 */
export async function runDoctor(context: CliContext, options: { json?: true }): Promise<boolean> {
  const settings = parseDoctorEnv(context.env)
  const redis = connectProducer({ url: settings.redisUrl, onError: () => undefined })
  const db = openPostgres({ use: 'reports', url: settings.databaseUrl, poolSize: 2, onError: () => undefined })
  const queues = [intakeQueue, reconcileQueue, ...handlerQueues.map(handlerQueue)].map((spec) =>
    openQueue(spec, redis, { prefix: settings.prefix, onError: () => undefined }),
  )
  try {
    await waitUntilReady(redis)
    const { prefix, spoolDir } = settings
    const checkContext = { redis, prefix, queues, db, spoolDir, now: Date.now }
    const results: { readonly check: string; readonly findings: readonly Finding[] }[] = []
    for (const check of checks) results.push({ check: check.name, findings: await runCheck(check, checkContext) })
    if (options.json === true)
      context.print(
        JSON.stringify(results.flatMap(({ check, findings }) => findings.map((finding) => ({ check, ...finding })))),
      )
    else
      for (const { check, findings } of results) for (const finding of findings) context.print(format(check, finding))
    return results.every(({ findings }) => findings.every(({ level }) => level !== 'problem'))
  } finally {
    await Promise.all(queues.map((queue) => queue.close()))
    await disconnect(redis)
    await db.destroy()
  }
}

/** A service that does not answer is a finding like any other. */
async function runCheck(check: Check, checkContext: CheckContext): Promise<readonly Finding[]> {
  const end = new AbortController()
  const late = delay(limitMs, undefined, { signal: end.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${limitMs / 1_000} s`)
  })
  try {
    return await Promise.race([check.run(checkContext), late])
  } catch (error) {
    const isRedisDown = checkContext.redis.status !== 'ready' && check.name !== 'postgres'
    const reason = isRedisDown ? 'Redis does not answer' : error instanceof Error ? error.message : String(error)
    return [problem(`could not be checked: ${reason}`, adviceFor[check.name] ?? 'Fix the other findings first.')]
  } finally {
    end.abort()
  }
}

const adviceFor: Readonly<Record<string, string>> = {
  redis: 'Make sure that Redis is running at REDIS_URL and reachable from here.',
  postgres: 'Make sure that Postgres is running at DATABASE_URL and reachable from here.',
}

const marks = { ok: 'ok      ', warning: 'warning ', problem: 'PROBLEM ' } as const

function format(check: string, finding: Finding): string {
  const line = `${marks[finding.level]} ${check.padEnd(9)} ${finding.message}`
  return finding.level === 'ok' ? line : `${line}\n${' '.repeat(19)} → ${finding.advice}`
}

async function waitUntilReady(redis: CheckContext['redis']): Promise<void> {
  for (let waitedMs = 0; redis.status !== 'ready' && waitedMs < 2_000; waitedMs += 50) await delay(50)
}
