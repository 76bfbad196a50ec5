import { fields } from '@warmhook/config/fields'
import { readKeptSecrets } from '@warmhook/config/kept-secrets'
import { parseEnv } from '@warmhook/config/parse-env'

/** Where the ingress of this machine takes webhooks, as far as the environment and DATA_DIR tell; the key may be missing. */
export function parseIngressAddress(env: NodeJS.ProcessEnv): {
  readonly url: string
  readonly key: string | undefined
} {
  const values = parseEnv(
    {
      DATA_DIR: fields.DATA_DIR,
      HOST: fields.HOST,
      INGRESS_PORT: fields.INGRESS_PORT,
      WARMHOOK_ENDPOINT_KEY: fields.WARMHOOK_ENDPOINT_KEY.optional(),
    },
    env,
  )
  return {
    url: `http://${values.HOST}:${values.INGRESS_PORT}`,
    key: values.WARMHOOK_ENDPOINT_KEY?.reveal() ?? readKeptSecrets(values.DATA_DIR)?.endpointKey,
  }
}

/** @throws EnvError when DATABASE_URL is missing */
export function parseDatabaseUrl(env: NodeJS.ProcessEnv): string {
  return parseEnv({ DATABASE_URL: fields.DATABASE_URL }, env).DATABASE_URL
}

/**
 * What `doctor` looks at.
 *
 * @throws EnvError when REDIS_URL or DATABASE_URL is missing
 */
export function parseDoctorEnv(env: NodeJS.ProcessEnv) {
  const values = parseEnv(
    {
      REDIS_URL: fields.REDIS_URL,
      DATABASE_URL: fields.DATABASE_URL,
      QUEUE_PREFIX: fields.QUEUE_PREFIX,
      SPOOL_DIR: fields.SPOOL_DIR.optional(),
    },
    env,
  )
  return {
    redisUrl: values.REDIS_URL,
    databaseUrl: values.DATABASE_URL,
    prefix: values.QUEUE_PREFIX,
    spoolDir: values.SPOOL_DIR,
  }
}
