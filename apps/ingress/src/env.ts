import { defaultEndpoint, readEndpointsFile, type Endpoint } from '@warmhook/config/endpoints'
import { fields } from '@warmhook/config/fields'
import { EnvError, parseEnv } from '@warmhook/config/parse-env'
import type { IngressSettings } from './start-ingress.ts'

/**
 * The settings of an ingress that runs by itself.
 *
 * @throws EnvError | EndpointsFileError
 */
export function parseIngressEnv(env: NodeJS.ProcessEnv): IngressSettings & { readonly logLevel: string } {
  const values = parseEnv(
    {
      REDIS_URL: fields.REDIS_URL,
      REDIS_WAIT_REPLICAS: fields.REDIS_WAIT_REPLICAS,
      HOST: fields.HOST,
      INGRESS_PORT: fields.INGRESS_PORT,
      WARMHOOK_ENDPOINT_KEY: fields.WARMHOOK_ENDPOINT_KEY.optional(),
      ENDPOINTS_FILE: fields.ENDPOINTS_FILE.optional(),
      MAX_BODY_BYTES: fields.MAX_BODY_BYTES,
      RATE_LIMIT_PER_SECOND: fields.RATE_LIMIT_PER_SECOND,
      BATCH_MAX: fields.BATCH_MAX,
      SPOOL_DIR: fields.SPOOL_DIR.optional(),
      SPOOL_MAX_BYTES: fields.SPOOL_MAX_BYTES,
      QUEUE_PREFIX: fields.QUEUE_PREFIX,
      LOG_LEVEL: fields.LOG_LEVEL,
    },
    env,
  )
  return {
    redisUrl: values.REDIS_URL,
    waitReplicas: values.REDIS_WAIT_REPLICAS,
    host: values.HOST,
    port: values.INGRESS_PORT,
    endpoints: toEndpoints(values.ENDPOINTS_FILE, values.WARMHOOK_ENDPOINT_KEY),
    maxBodyBytes: values.MAX_BODY_BYTES,
    ratePerSecond: values.RATE_LIMIT_PER_SECOND,
    batchMax: values.BATCH_MAX,
    spool:
      values.SPOOL_DIR === undefined ? undefined : { directory: values.SPOOL_DIR, maxBytes: values.SPOOL_MAX_BYTES },
    prefix: values.QUEUE_PREFIX,
    logLevel: values.LOG_LEVEL,
  }
}

function toEndpoints(
  file: string | undefined,
  key: Parameters<typeof defaultEndpoint>[0] | undefined,
): readonly Endpoint[] {
  const endpoints = [
    ...(file === undefined ? [] : readEndpointsFile(file)),
    ...(key === undefined ? [] : [defaultEndpoint(key)]),
  ]
  if (endpoints.length === 0)
    throw new EnvError(['WARMHOOK_ENDPOINT_KEY or ENDPOINTS_FILE is needed: without a key nobody could send'])
  return endpoints
}
