import { z } from 'zod'
import { isAddressRange } from './address-list.ts'
import { CrmMode, CrmOnDelete, CrmProviderName } from './crm-fields.ts'
import { isDatabaseUrl } from './database-url.ts'
import { ClearEndpointKey } from './endpoint-key.ts'
import { host, httpUrl, nameList, port, redisSize, secretHttpUrl, token, wholeNumber } from './field-kinds.ts'
import { redisUrlProblem } from './redis-url.ts'
import { Secret } from './secret.ts'

const minute = 60_000
const day = 24 * 60 * minute

/**
 * Every environment variable of Warmhook: an app's `env.ts` picks the ones it needs. Defaults are defined here only.
 */
export const fields = {
  REDIS_URL: z.string().superRefine((value, context) => {
    const problem = redisUrlProblem(value)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  }),
  /** Replicas that must confirm an event before it is acknowledged; with one, a failover loses no event. */
  REDIS_WAIT_REPLICAS: wholeNumber(0, 100).default(0),
  /** Memory limit of the private Redis of `npm start` and of the one in compose; 0: no limit. Ingresses stop adding at 80 % of it. */
  REDIS_MAXMEMORY: redisSize,
  DATABASE_URL: z.string().refine(isDatabaseUrl, {
    error:
      'must be a URL such as postgres://user:password@127.0.0.1:5432/warmhook or postgres:///warmhook?host=/var/run/postgresql; ' +
      'in a password, write @ / # ? and % as %40 %2F %23 %3F and %25',
  }),
  /** Directory for the Redis, the Postgres and the generated secrets of standalone. */
  DATA_DIR: z.string().default('.warmhook'),
  HOST: host.default('127.0.0.1'),
  INGRESS_PORT: port.default(3000),
  BOARD_PORT: port.default(3001),
  /** The port of a worker's /healthz and /metrics; 0 selects a free one. */
  WORKER_PORT: port.default(3002),
  WARMHOOK_ENDPOINT_KEY: ClearEndpointKey,
  ENDPOINTS_FILE: z.string(),
  /** Addresses of proxies that are trusted to report the sender's address, for `allow`. Unset: none. */
  TRUSTED_PROXIES: z
    .string()
    .transform((value) => value.split(/[\s,]+/).filter((range) => range !== ''))
    .refine((ranges) => ranges.length > 0 && ranges.every(isAddressRange), {
      error: 'must be IP addresses or CIDR ranges such as 10.0.0.0/8, separated by commas',
    })
    .refine((ranges) => !ranges.some((range) => /\/0+$/.test(range)), {
      error: 'must not contain a range of all addresses: anyone could then claim any address',
    }),
  // Basic authentication ends the user at the first colon (RFC 7617, section 2).
  BOARD_USER: z
    .string()
    .regex(/^[^:]*$/, 'must not contain a colon')
    .default('admin'),
  BOARD_PASSWORD: z
    .string()
    .min(8, 'must be at least 8 characters')
    .transform((value) => new Secret(value)),
  /** Where commands find the board; unset: that of an `npm start` in DATA_DIR. */
  WARMHOOK_URL: httpUrl('http://127.0.0.1:3001'),
  /** The path under which a proxy serves the board, such as /warmhook; empty at the root. */
  BOARD_BASE_PATH: z
    .string()
    .regex(/^(\/[\w~-][\w.~-]*)*\/?$/, 'must be a path such as /warmhook')
    .transform((path) => path.replace(/\/$/, ''))
    .default(''),
  MAX_BODY_BYTES: wholeNumber(1, 16 * 1024 ** 2).default(262_144),
  /** Webhooks per second for each endpoint and ingress, with bursts of twice as many. 0: no limit. */
  RATE_LIMIT_PER_SECOND: wholeNumber(0, 1_000_000),
  /** Larger jobs would be hard to read in Bull Board. */
  BATCH_MAX: wholeNumber(1, 256).default(64),
  /** Local directory for webhooks that Redis cannot take; each ingress needs its own. Unset: the ingress answers 503 instead. */
  SPOOL_DIR: z.string(),
  SPOOL_MAX_BYTES: wholeNumber(65_536, 1024 ** 4).default(1024 ** 3),
  DEDUPE_WINDOW_MS: wholeNumber(0, 366 * day).default(3_600_000),
  /** How long events, deliveries and quarantined webhooks are kept. 0: for ever. */
  RETENTION_DAYS: wholeNumber(0, 36_500).default(90),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w{}-]{1,100}$/, 'may only contain letters, digits and - _ { }, at most 100 characters')
    .default('{wh0}'),
  /** Comma-separated names of the queues that a worker processes; unset: all. */
  WORKER_QUEUES: nameList.refine((names) => names.length > 0, {
    error: 'lists no queue: list queues separated by commas, or unset it to process all',
  }),
  /** Concurrent calls of each handler in one worker. */
  WORKER_CONCURRENCY: wholeNumber(1, 100).default(8),
  /** How long a worker's locks last without renewal. Other workers take over its jobs within twice this time. */
  WORKER_LOCK_MS: wholeNumber(1_000, 10 * minute).default(15_000),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be one of trace, debug, info, warn, error, fatal and silent',
    })
    .default('info'),
  SLACK_WEBHOOK_URL: secretHttpUrl('https://hooks.slack.com/services/…'),
  /** Enables the comparison with Mailivery's own records. */
  MAILIVERY_API_KEY: token,
  MAILIVERY_BASE_URL: httpUrl('https://app.mailivery.io/api/v1').default('https://app.mailivery.io/api/v1'),
  /** Time between two comparisons. Below a minute only for tests: a long list of campaigns takes longer to read. */
  /** Pending campaigns with one of these are started. */
  WARMUP_START_TAGS: nameList,
  WARMUP_START_DOMAINS: nameList,
  WARMUP_START_ADDRESSES: nameList,
  /** Pauses that are open for longer are rechecked through the API. Unset: none. */
  RECHECK_AFTER_MS: wholeNumber(60_000, 30 * day),
  RECONCILE_INTERVAL_MS: wholeNumber(1_000, day).default(15 * minute),
  /** Unset: the one whose credentials are set. */
  CRM_PROVIDER: CrmProviderName,
  CRM_MODE: CrmMode.default('upsert'),
  CRM_ON_DELETE: CrmOnDelete.default('mark'),
  /** YAML file with the contact properties to write. */
  CRM_MAPPING_FILE: z.string(),
  /** With several owners: if true, a contact shows the latest mailbox of any owner; otherwise it stays with the owner that wrote it first. */
  CRM_SHARED_BY_OWNERS: z.stringbool({ error: 'must be true or false' }).default(false),
  HUBSPOT_ACCESS_TOKEN: token,
  HUBSPOT_BASE_URL: httpUrl('https://api.hubapi.com').default('https://api.hubapi.com'),
  /** HubSpot names its API versions by date; support for v3 ends in September 2027. */
  HUBSPOT_API_VERSION: z
    .string()
    .regex(/^[\w-]+$/, 'must be a date such as 2026-09')
    .default('2026-09'),
  PIPEDRIVE_API_TOKEN: token,
  /** The company's own address, such as https://acme.pipedrive.com/api/v2, works too. */
  PIPEDRIVE_BASE_URL: httpUrl('https://api.pipedrive.com/api/v2').default('https://api.pipedrive.com/api/v2'),
  ATTIO_API_KEY: token,
  ATTIO_BASE_URL: httpUrl('https://api.attio.com').default('https://api.attio.com'),
  /** Receives contacts by signed POST. */
  CRM_HTTP_URL: secretHttpUrl('https://example.com/contacts'),
  CRM_HTTP_SECRET: z
    .string()
    .min(16, 'must be at least 16 characters')
    .transform((value) => new Secret(value)),
} as const
