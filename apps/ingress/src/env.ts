import { createAddressList } from '@warmhook/config/address-list'
import { fields } from '@warmhook/config/fields'
import { EnvError, parseAll, parseEnv } from '@warmhook/config/parse-env'
import { prepareDirectory } from '@warmhook/config/prepare-directory'
import { readEndpoints } from '@warmhook/config/read-endpoints'
import { sources } from '@warmhook/schema/sources'
import type { IngressSettings } from './start-ingress.ts'

const variables = {
  REDIS_URL: fields.REDIS_URL,
  REDIS_WAIT_REPLICAS: fields.REDIS_WAIT_REPLICAS,
  HOST: fields.HOST,
  INGRESS_PORT: fields.INGRESS_PORT,
  TRUSTED_PROXIES: fields.TRUSTED_PROXIES.optional(),
  MAX_BODY_BYTES: fields.MAX_BODY_BYTES,
  RATE_LIMIT_PER_SECOND: fields.RATE_LIMIT_PER_SECOND.optional(),
  BATCH_MAX: fields.BATCH_MAX,
  SPOOL_MAX_BYTES: fields.SPOOL_MAX_BYTES,
  QUEUE_PREFIX: fields.QUEUE_PREFIX,
  LOG_LEVEL: fields.LOG_LEVEL,
}

/**
 * The settings of a standalone ingress process.
 *
 * @throws EnvError
 */
export function parseIngressEnv(env: NodeJS.ProcessEnv): IngressSettings & { readonly logLevel: string } {
  const [values, endpoints, spoolDir] = parseAll(
    () => parseEnv(variables, env),
    () => readSomeEndpoints(env),
    () => readSpoolDir(env),
  )
  return {
    redisUrl: values.REDIS_URL,
    waitReplicas: values.REDIS_WAIT_REPLICAS,
    host: values.HOST,
    port: values.INGRESS_PORT,
    endpoints,
    trustedProxies: values.TRUSTED_PROXIES && createAddressList(values.TRUSTED_PROXIES),
    maxBodyBytes: values.MAX_BODY_BYTES,
    ratePerSecond: values.RATE_LIMIT_PER_SECOND,
    batchMax: values.BATCH_MAX,
    spool: spoolDir === undefined ? undefined : { directory: spoolDir, maxBytes: values.SPOOL_MAX_BYTES },
    prefix: values.QUEUE_PREFIX,
    logLevel: values.LOG_LEVEL,
  }
}

function readSomeEndpoints(env: NodeJS.ProcessEnv) {
  const endpoints = readEndpoints(env, [...sources.keys()])
  if (endpoints.length === 0)
    throw new EnvError(['WARMHOOK_ENDPOINT_KEY or ENDPOINTS_FILE is required: without a key, no webhook is accepted'])
  return endpoints
}

function readSpoolDir(env: NodeJS.ProcessEnv): string | undefined {
  const directory = parseEnv({ SPOOL_DIR: fields.SPOOL_DIR.optional() }, env).SPOOL_DIR
  if (directory !== undefined) prepareDirectory('SPOOL_DIR', directory)
  return directory
}
