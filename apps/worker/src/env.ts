import { fields } from '@warmhook/config/fields'
import { EnvError, parseAll, parseEnv } from '@warmhook/config/parse-env'
import { checkHandlerSettings, handlerQueues } from '@warmhook/handlers/registry'
import { intakeQueue, reconcileQueue } from '@warmhook/queue/catalog'
import { readMailiveryAccounts, type MailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import { sources } from '@warmhook/schema/sources'
import type { WorkerSettings } from './start-worker.ts'

export interface WorkerProcessSettings extends WorkerSettings {
  readonly databaseUrl: string
  readonly mailivery: MailiveryAccounts
  readonly logLevel: string
}

const variables = {
  REDIS_URL: fields.REDIS_URL,
  DATABASE_URL: fields.DATABASE_URL,
  HOST: fields.HOST,
  WORKER_PORT: fields.WORKER_PORT,
  QUEUE_PREFIX: fields.QUEUE_PREFIX,
  DEDUPE_WINDOW_MS: fields.DEDUPE_WINDOW_MS,
  RETENTION_DAYS: fields.RETENTION_DAYS,
  MAX_BODY_BYTES: fields.MAX_BODY_BYTES,
  WORKER_CONCURRENCY: fields.WORKER_CONCURRENCY,
  WORKER_LOCK_MS: fields.WORKER_LOCK_MS,
  RECONCILE_INTERVAL_MS: fields.RECONCILE_INTERVAL_MS,
  RECHECK_AFTER_MS: fields.RECHECK_AFTER_MS.optional(),
  LOG_LEVEL: fields.LOG_LEVEL,
}

/**
 * The settings of a standalone worker process. Handlers read their own settings from the same environment; these are
 * also validated here.
 *
 * @throws EnvError
 */
export function parseWorkerEnv(env: NodeJS.ProcessEnv): WorkerProcessSettings {
  const [values, queues, mailivery] = parseAll(
    () => parseEnv(variables, env),
    () => readQueues(env),
    () => readMailiveryAccounts(env, [...sources.keys()]),
    () => checkHandlerSettings(env),
  )
  return {
    redisUrl: values.REDIS_URL,
    databaseUrl: values.DATABASE_URL,
    host: values.HOST,
    port: values.WORKER_PORT,
    prefix: values.QUEUE_PREFIX,
    dedupeWindowMs: values.DEDUPE_WINDOW_MS,
    retentionDays: values.RETENTION_DAYS,
    maxBodyBytes: values.MAX_BODY_BYTES,
    queues,
    concurrency: values.WORKER_CONCURRENCY,
    lockMs: values.WORKER_LOCK_MS,
    reconcileEveryMs: values.RECONCILE_INTERVAL_MS,
    recheckAfterMs: values.RECHECK_AFTER_MS,
    mailivery,
    logLevel: values.LOG_LEVEL,
  }
}

function readQueues(env: NodeJS.ProcessEnv): readonly string[] | undefined {
  const chosen = parseEnv({ WORKER_QUEUES: fields.WORKER_QUEUES.optional() }, env).WORKER_QUEUES
  const known = [intakeQueue.name, reconcileQueue.name, ...handlerQueues.map(({ name }) => name)]
  if (chosen?.every((name) => known.includes(name)) === false)
    throw new EnvError([`WORKER_QUEUES contains an unknown queue; known queues: ${known.join(', ')}`])
  return chosen
}
