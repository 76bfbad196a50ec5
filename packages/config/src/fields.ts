import { z } from 'zod'
import { parseRedisUrl } from './redis-url.ts'
import { Secret } from './secret.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const count = z.coerce.number().int().positive()
const secret = z.string().transform((value) => new Secret(value))
const url = (protocol: RegExp, example: string) => z.url({ protocol, error: `must be a URL such as ${example}` })

/**
 * Every environment variable of Warmhook: an app's `env.ts` picks the ones it needs. Defaults stand here and nowhere else.
 */
export const fields = {
  REDIS_URL: z.string().refine((value) => parseRedisUrl(value) !== undefined, {
    error: 'must be a URL such as redis://127.0.0.1:6379 or redis+sentinel://host1:26379,host2:26379/master-name',
  }),
  /** Replicas that must have an event before it is acknowledged: with one, a failover loses none. */
  REDIS_WAIT_REPLICAS: z.coerce.number().int().nonnegative().default(0),
  DATABASE_URL: url(/^postgres(ql)?$/, 'postgres://user:password@127.0.0.1:5432/warmhook'),
  /** Where standalone keeps its Redis, its Postgres and the generated secrets. */
  DATA_DIR: z.string().default('.warmhook'),
  HOST: z.string().default('127.0.0.1'),
  INGRESS_PORT: port.default(3000),
  BOARD_PORT: port.default(3001),
  /** The port of a worker's /healthz and /metrics; 0 takes a free one. */
  WORKER_PORT: port.default(3002),
  WARMHOOK_ENDPOINT_KEY: z
    .string()
    .min(22, 'must be at least 22 characters (128 bits)')
    .transform((value) => new Secret(value)),
  ENDPOINTS_FILE: z.string(),
  BOARD_USER: z.string().default('admin'),
  BOARD_PASSWORD: z
    .string()
    .min(8, 'must be at least 8 characters')
    .transform((value) => new Secret(value)),
  MAX_BODY_BYTES: count.default(262_144),
  /** Webhooks a second on one of several endpoints, for each ingress; twice as many at once. 0: no limit. */
  RATE_LIMIT_PER_SECOND: z.coerce.number().int().nonnegative().default(5_000),
  BATCH_MAX: count.max(256, 'must be 256 or less, to keep jobs readable').default(64),
  /** Where an ingress keeps what Redis can't take, on a local disk; one directory for each ingress. Unset: it answers 503. */
  SPOOL_DIR: z.string(),
  SPOOL_MAX_BYTES: count.default(1024 ** 3),
  DEDUPE_WINDOW_MS: z.coerce.number().int().nonnegative().default(3_600_000),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w{}-]+$/, 'may hold letters, digits, - _ { } only')
    .default('{wh0}'),
  /** Comma-separated queue names that a worker runs; unset: all. */
  WORKER_QUEUES: z.string().transform((value) =>
    value
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ),
  /** Calls of each handler that one worker makes at once. */
  WORKER_CONCURRENCY: count.max(100).default(8),
  /** How long a worker that gives no sign keeps its jobs. Others take them over within twice the time. */
  WORKER_LOCK_MS: count.min(1_000).default(15_000),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  SLACK_WEBHOOK_URL: secret,
  CRM_PROVIDER: z.enum(['hubspot']).default('hubspot'),
  HUBSPOT_ACCESS_TOKEN: secret,
  HUBSPOT_BASE_URL: url(/^https?$/, 'https://api.hubapi.com').default('https://api.hubapi.com'),
  /** HubSpot names its API versions by date; v3 goes unsupported in September 2027. */
  HUBSPOT_API_VERSION: z
    .string()
    .regex(/^[\w-]+$/)
    .default('2026-09'),
} as const
