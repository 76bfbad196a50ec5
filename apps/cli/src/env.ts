import { fields } from '@warmhook/config/fields'
import { readGeneratedSecrets } from '@warmhook/config/generated-secrets'
import { parseAll, parseEnv } from '@warmhook/config/parse-env'
import { readEndpoints } from '@warmhook/config/read-endpoints'
import { httpUrl } from '@warmhook/lifecycle/http-url'
import { sources } from '@warmhook/schema/sources'

/** How to reach this machine's ingress, according to the environment and DATA_DIR. */
export interface IngressAddress {
  /** Undefined if the ingress uses any free port. */
  readonly url: string | undefined
  /** Undefined if no key is known in plain text. */
  readonly key: string | undefined
}

/**
 * The key is WARMHOOK_ENDPOINT_KEY, otherwise the first plain-text key in ENDPOINTS_FILE (of `owner`, if given),
 * otherwise the one that `npm start` stores in DATA_DIR, which is not active if ENDPOINTS_FILE is set.
 *
 * @throws EnvError
 */
export function parseIngressAddress(env: NodeJS.ProcessEnv, owner: string | undefined): IngressAddress {
  const { DATA_DIR, HOST, INGRESS_PORT } = fields
  const [values, endpoints] = parseAll(
    () => parseEnv({ DATA_DIR, HOST, INGRESS_PORT }, env),
    () => readEndpoints(env, [...sources.keys()]),
  )
  const matching = owner === undefined ? endpoints : endpoints.filter((endpoint) => endpoint.owner === owner)
  const configured = matching.find(({ shownKey }) => shownKey !== undefined)?.shownKey?.reveal()
  const isDefault = endpoints.length === 0 && (owner === undefined || owner === 'default')
  return {
    url: values.INGRESS_PORT === 0 ? undefined : httpUrl(values.HOST, values.INGRESS_PORT),
    key: configured ?? (isDefault ? readGeneratedSecrets(values.DATA_DIR)?.endpointKey : undefined),
  }
}

/** @throws EnvError when DATABASE_URL is missing */
export function parseDatabaseUrl(env: NodeJS.ProcessEnv): string {
  return parseEnv({ DATABASE_URL: fields.DATABASE_URL }, env).DATABASE_URL
}

/**
 * The services that `doctor` checks.
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
