import { fields } from '@warmhook/config/fields'
import { parseEnv } from '@warmhook/config/parse-env'
import type { WorkerSettings } from './start-worker.ts'

export interface WorkerProcessSettings extends WorkerSettings {
  readonly databaseUrl: string
  readonly logLevel: string
}

/**
 * The settings of a worker that runs by itself; the handlers read their own from the same environment.
 *
 * @throws EnvError
 */
export function parseWorkerEnv(env: NodeJS.ProcessEnv): WorkerProcessSettings {
  const values = parseEnv(
    {
      REDIS_URL: fields.REDIS_URL,
      DATABASE_URL: fields.DATABASE_URL,
      HOST: fields.HOST,
      WORKER_PORT: fields.WORKER_PORT,
      QUEUE_PREFIX: fields.QUEUE_PREFIX,
      DEDUPE_WINDOW_MS: fields.DEDUPE_WINDOW_MS,
      WORKER_QUEUES: fields.WORKER_QUEUES.optional(),
      WORKER_CONCURRENCY: fields.WORKER_CONCURRENCY,
      WORKER_LOCK_MS: fields.WORKER_LOCK_MS,
      LOG_LEVEL: fields.LOG_LEVEL,
    },
    env,
  )
  return {
    redisUrl: values.REDIS_URL,
    databaseUrl: values.DATABASE_URL,
    host: values.HOST,
    port: values.WORKER_PORT,
    prefix: values.QUEUE_PREFIX,
    dedupeWindowMs: values.DEDUPE_WINDOW_MS,
    queues: values.WORKER_QUEUES,
    concurrency: values.WORKER_CONCURRENCY,
    lockMs: values.WORKER_LOCK_MS,
    logLevel: values.LOG_LEVEL,
  }
}
