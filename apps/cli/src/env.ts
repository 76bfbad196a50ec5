import { readBoardAddress } from '@warmhook/config/board-address'
import { fields } from '@warmhook/config/fields'
import { readGeneratedSecrets } from '@warmhook/config/generated-secrets'
import { EnvError, parseAll, parseEnv } from '@warmhook/config/parse-env'
import { readEndpoints } from '@warmhook/config/read-endpoints'
import { httpUrl } from '@warmhook/lifecycle/http-url'
import type { BoardAddress } from './board-client.ts'
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

/**
 * The board: WARMHOOK_URL with BOARD_USER and BOARD_PASSWORD, otherwise that of a running `npm start` in DATA_DIR.
 *
 * @throws EnvError naming what is missing
 */
export function parseBoardAddress(env: NodeJS.ProcessEnv): BoardAddress {
  const { DATA_DIR, BOARD_USER, BOARD_PASSWORD, WARMHOOK_URL } = fields
  const values = parseEnv(
    { DATA_DIR, BOARD_USER, BOARD_PASSWORD: BOARD_PASSWORD.optional(), WARMHOOK_URL: WARMHOOK_URL.optional() },
    env,
  )
  const url = values.WARMHOOK_URL ?? readBoardAddress(values.DATA_DIR)
  if (url === undefined)
    throw new EnvError([
      'WARMHOOK_URL is required: the URL of the board. Without it, run this command beside a running `npm start`, in the directory that contains its DATA_DIR',
    ])
  const password = values.BOARD_PASSWORD?.reveal() ?? readGeneratedSecrets(values.DATA_DIR)?.boardPassword
  if (password === undefined) throw new EnvError(['BOARD_PASSWORD is required'])
  return { url: url.replace(/\/+$/, ''), user: values.BOARD_USER, password }
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
