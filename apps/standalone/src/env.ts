import { join, resolve } from 'node:path'
import { defaultEndpoint, readEndpointsFile, type Endpoint } from '@warmhook/config/endpoints'
import { fields } from '@warmhook/config/fields'
import { ensureKeptSecrets } from '@warmhook/config/kept-secrets'
import { parseEnv } from '@warmhook/config/parse-env'
import { Secret } from '@warmhook/config/secret'

const variables = {
  REDIS_URL: fields.REDIS_URL.optional(),
  REDIS_WAIT_REPLICAS: fields.REDIS_WAIT_REPLICAS,
  DATABASE_URL: fields.DATABASE_URL.optional(),
  DATA_DIR: fields.DATA_DIR,
  HOST: fields.HOST,
  INGRESS_PORT: fields.INGRESS_PORT,
  BOARD_PORT: fields.BOARD_PORT,
  WARMHOOK_ENDPOINT_KEY: fields.WARMHOOK_ENDPOINT_KEY.optional(),
  ENDPOINTS_FILE: fields.ENDPOINTS_FILE.optional(),
  BOARD_USER: fields.BOARD_USER,
  BOARD_PASSWORD: fields.BOARD_PASSWORD.optional(),
  MAX_BODY_BYTES: fields.MAX_BODY_BYTES,
  RATE_LIMIT_PER_SECOND: fields.RATE_LIMIT_PER_SECOND,
  BATCH_MAX: fields.BATCH_MAX,
  SPOOL_DIR: fields.SPOOL_DIR.optional(),
  SPOOL_MAX_BYTES: fields.SPOOL_MAX_BYTES,
  DEDUPE_WINDOW_MS: fields.DEDUPE_WINDOW_MS,
  QUEUE_PREFIX: fields.QUEUE_PREFIX,
  WORKER_CONCURRENCY: fields.WORKER_CONCURRENCY,
  WORKER_LOCK_MS: fields.WORKER_LOCK_MS,
  // A person watches this process: what is worth their attention, and the banner.
  LOG_LEVEL: fields.LOG_LEVEL.removeDefault().default('warn'),
}

export interface StandaloneSettings {
  /** Undefined: a private Redis is started in `dataDir`. */
  readonly redisUrl: string | undefined
  readonly waitReplicas: number
  /** Undefined: an embedded Postgres with its files in `dataDir`. */
  readonly databaseUrl: string | undefined
  readonly dataDir: string
  readonly host: string
  readonly ingressPort: number
  readonly boardPort: number
  readonly endpointKey: Secret
  readonly endpoints: readonly Endpoint[]
  readonly boardUser: string
  readonly boardPassword: Secret
  readonly maxBodyBytes: number
  readonly ratePerSecond: number
  readonly batchMax: number
  readonly spool: { readonly directory: string; readonly maxBytes: number }
  readonly dedupeWindowMs: number
  readonly prefix: string
  readonly concurrency: number
  readonly lockMs: number
  readonly logLevel: string
}

/**
 * The settings of the process that needs none: what is unset gets a default, and secrets are made and kept in DATA_DIR.
 *
 * @throws EnvError | EndpointsFileError | KeptSecretsError
 */
export function parseStandaloneEnv(env: NodeJS.ProcessEnv): StandaloneSettings {
  const values = parseEnv(variables, env)
  const dataDir = resolve(values.DATA_DIR)
  const kept = ensureKeptSecrets(dataDir)
  const endpointKey = values.WARMHOOK_ENDPOINT_KEY ?? new Secret(kept.endpointKey)
  const others = values.ENDPOINTS_FILE === undefined ? [] : readEndpointsFile(values.ENDPOINTS_FILE)
  return {
    redisUrl: values.REDIS_URL,
    waitReplicas: values.REDIS_WAIT_REPLICAS,
    databaseUrl: values.DATABASE_URL,
    dataDir,
    host: values.HOST,
    ingressPort: values.INGRESS_PORT,
    boardPort: values.BOARD_PORT,
    endpointKey,
    endpoints: [defaultEndpoint(endpointKey), ...others],
    boardUser: values.BOARD_USER,
    boardPassword: values.BOARD_PASSWORD ?? new Secret(kept.boardPassword),
    maxBodyBytes: values.MAX_BODY_BYTES,
    ratePerSecond: values.RATE_LIMIT_PER_SECOND,
    batchMax: values.BATCH_MAX,
    spool: { directory: values.SPOOL_DIR ?? join(dataDir, 'spool'), maxBytes: values.SPOOL_MAX_BYTES },
    dedupeWindowMs: values.DEDUPE_WINDOW_MS,
    prefix: values.QUEUE_PREFIX,
    concurrency: values.WORKER_CONCURRENCY,
    lockMs: values.WORKER_LOCK_MS,
    logLevel: values.LOG_LEVEL,
  }
}
