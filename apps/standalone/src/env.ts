import { join, resolve } from 'node:path'
import { createAddressList, type AddressList } from '@warmhook/config/address-list'
import { defaultEndpoint, type Endpoint } from '@warmhook/config/endpoints'
import { fields } from '@warmhook/config/fields'
import { ensureGeneratedSecrets } from '@warmhook/config/generated-secrets'
import { EnvError, parseAll, parseEnv } from '@warmhook/config/parse-env'
import { prepareDirectory } from '@warmhook/config/prepare-directory'
import { readEndpoints } from '@warmhook/config/read-endpoints'
import { Secret } from '@warmhook/config/secret'
import type { CrmSettings } from '@warmhook/crm/accounts/crm-settings'
import { readMailiveryAccounts, type MailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import { readCrmSettings } from '@warmhook/crm/accounts/read-crm-settings'
import { checkHandlerSettings } from '@warmhook/handlers/registry'
import { sources } from '@warmhook/schema/sources'

const variables = {
  REDIS_URL: fields.REDIS_URL.optional(),
  REDIS_MAXMEMORY: fields.REDIS_MAXMEMORY.optional(),
  REDIS_WAIT_REPLICAS: fields.REDIS_WAIT_REPLICAS,
  DATABASE_URL: fields.DATABASE_URL.optional(),
  HOST: fields.HOST,
  TRUSTED_PROXIES: fields.TRUSTED_PROXIES.optional(),
  BOARD_USER: fields.BOARD_USER,
  BOARD_PASSWORD: fields.BOARD_PASSWORD.optional(),
  BOARD_BASE_PATH: fields.BOARD_BASE_PATH,
  MAX_BODY_BYTES: fields.MAX_BODY_BYTES,
  RATE_LIMIT_PER_SECOND: fields.RATE_LIMIT_PER_SECOND.optional(),
  BATCH_MAX: fields.BATCH_MAX,
  SPOOL_MAX_BYTES: fields.SPOOL_MAX_BYTES,
  DEDUPE_WINDOW_MS: fields.DEDUPE_WINDOW_MS,
  RETENTION_DAYS: fields.RETENTION_DAYS,
  QUEUE_PREFIX: fields.QUEUE_PREFIX,
  WORKER_CONCURRENCY: fields.WORKER_CONCURRENCY,
  WORKER_LOCK_MS: fields.WORKER_LOCK_MS,
  RECONCILE_INTERVAL_MS: fields.RECONCILE_INTERVAL_MS,
  RECHECK_AFTER_MS: fields.RECHECK_AFTER_MS.optional(),
  // This process runs in a terminal: it only prints the banner and what needs attention.
  LOG_LEVEL: fields.LOG_LEVEL.removeDefault().default('warn'),
}

export interface StandaloneSettings {
  /** Undefined: a private Redis is started in `dataDir`. */
  readonly redisUrl: string | undefined
  /** Memory limit of the private Redis, in Redis's notation; undefined: a share of the machine's memory. */
  readonly redisMaxmemory: string | undefined
  readonly waitReplicas: number
  /** Undefined: an embedded Postgres stores its files in `dataDir`. */
  readonly databaseUrl: string | undefined
  readonly dataDir: string
  readonly host: string
  readonly ingressPort: number
  readonly boardPort: number
  readonly endpoints: readonly Endpoint[]
  readonly trustedProxies: AddressList | undefined
  readonly boardUser: string
  readonly boardPassword: Secret
  readonly boardBasePath: string
  readonly maxBodyBytes: number
  readonly ratePerSecond: number | undefined
  readonly batchMax: number
  readonly spool: { readonly directory: string; readonly maxBytes: number }
  readonly dedupeWindowMs: number
  readonly retentionDays: number
  readonly prefix: string
  readonly crm: CrmSettings
  readonly mailivery: MailiveryAccounts
  readonly reconcileEveryMs: number
  readonly recheckAfterMs: number | undefined
  readonly concurrency: number
  readonly lockMs: number
  readonly logLevel: string
}

/**
 * The settings of the standalone process. All are optional: they have defaults, and secrets are generated and stored in
 * DATA_DIR.
 *
 * @throws EnvError | GeneratedSecretsError
 */
export function parseStandaloneEnv(env: NodeJS.ProcessEnv): StandaloneSettings {
  const [values, ports, { dataDir, spoolDir }, configured, , crm, mailivery] = parseAll(
    () => parseEnv(variables, env),
    () => readPorts(env),
    () => readDirectories(env),
    () => readEndpoints(env, [...sources.keys()]),
    () => checkHandlerSettings(env),
    () => readCrmSettings(env, [...sources.keys()]),
    () => readMailiveryAccounts(env, [...sources.keys()]),
  )
  const kept = ensureGeneratedSecrets(dataDir)
  return {
    redisUrl: values.REDIS_URL,
    redisMaxmemory: values.REDIS_MAXMEMORY,
    waitReplicas: values.REDIS_WAIT_REPLICAS,
    databaseUrl: values.DATABASE_URL,
    dataDir,
    host: values.HOST,
    ingressPort: ports.INGRESS_PORT,
    boardPort: ports.BOARD_PORT,
    endpoints: configured.length > 0 ? configured : [defaultEndpoint(new Secret(kept.endpointKey))],
    trustedProxies: values.TRUSTED_PROXIES && createAddressList(values.TRUSTED_PROXIES),
    boardUser: values.BOARD_USER,
    boardPassword: values.BOARD_PASSWORD ?? new Secret(kept.boardPassword),
    boardBasePath: values.BOARD_BASE_PATH,
    maxBodyBytes: values.MAX_BODY_BYTES,
    ratePerSecond: values.RATE_LIMIT_PER_SECOND,
    batchMax: values.BATCH_MAX,
    spool: { directory: spoolDir, maxBytes: values.SPOOL_MAX_BYTES },
    dedupeWindowMs: values.DEDUPE_WINDOW_MS,
    retentionDays: values.RETENTION_DAYS,
    prefix: values.QUEUE_PREFIX,
    crm,
    mailivery,
    reconcileEveryMs: values.RECONCILE_INTERVAL_MS,
    recheckAfterMs: values.RECHECK_AFTER_MS,
    concurrency: values.WORKER_CONCURRENCY,
    lockMs: values.WORKER_LOCK_MS,
    logLevel: values.LOG_LEVEL,
  }
}

function readPorts(env: NodeJS.ProcessEnv) {
  const ports = parseEnv({ INGRESS_PORT: fields.INGRESS_PORT, BOARD_PORT: fields.BOARD_PORT }, env)
  if (ports.INGRESS_PORT !== 0 && ports.INGRESS_PORT === ports.BOARD_PORT)
    throw new EnvError([`INGRESS_PORT and BOARD_PORT are both ${ports.BOARD_PORT}: set one of them to another port`])
  return ports
}

function readDirectories(env: NodeJS.ProcessEnv): { readonly dataDir: string; readonly spoolDir: string } {
  const values = parseEnv({ DATA_DIR: fields.DATA_DIR, SPOOL_DIR: fields.SPOOL_DIR.optional() }, env)
  const dataDir = resolve(values.DATA_DIR)
  const spoolDir = values.SPOOL_DIR ?? join(dataDir, 'spool')
  parseAll(
    () => prepareDirectory('DATA_DIR', dataDir),
    () => (values.SPOOL_DIR === undefined ? undefined : prepareDirectory('SPOOL_DIR', spoolDir)),
  )
  return { dataDir, spoolDir }
}
