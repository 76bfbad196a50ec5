import { describe, expect, it } from 'vitest'
import { fields } from './fields.ts'
import { EnvError, parseEnv } from './parse-env.ts'
import { Secret } from './secret.ts'

type Name = keyof typeof fields

function read(name: Name, value: string): unknown {
  const result = (parseEnv({ [name]: fields[name] }, { [name]: value }) as Record<string, unknown>)[name]
  return result instanceof Secret ? result.reveal() : result
}

/** The error message after the variable's name; undefined if the value is accepted. */
function refusal(name: Name, value: string): string | undefined {
  try {
    read(name, value)
    return undefined
  } catch (error) {
    if (!(error instanceof EnvError) || error.problems.length !== 1 || quotes(error, value)) throw error
    return error.problems[0]?.startsWith(`${name} `) === true ? error.problems[0].slice(name.length + 1) : undefined
  }
}

/** A short value may be part of any message. */
function quotes({ message }: Error, value: string): boolean {
  return value.length > 12 && message.includes(value)
}

const numbers = Object.entries({
  REDIS_WAIT_REPLICAS: [0, 100],
  INGRESS_PORT: [0, 65_535],
  BOARD_PORT: [0, 65_535],
  WORKER_PORT: [0, 65_535],
  MAX_BODY_BYTES: [1, 16_777_216],
  RATE_LIMIT_PER_SECOND: [0, 1_000_000],
  BATCH_MAX: [1, 256],
  SPOOL_MAX_BYTES: [65_536, 1_099_511_627_776],
  DEDUPE_WINDOW_MS: [0, 31_622_400_000],
  RETENTION_DAYS: [0, 36_500],
  WORKER_CONCURRENCY: [1, 100],
  WORKER_LOCK_MS: [1_000, 600_000],
  RECONCILE_INTERVAL_MS: [1_000, 86_400_000],
} as const) as [Name, readonly [number, number]][]

describe.each(numbers)('%s', (name, [least, most]) => {
  it(`takes whole numbers from ${least} to ${most}`, () => {
    expect(read(name, String(least))).toBe(least)
    expect(read(name, ` ${most}\r`)).toBe(most)
    expect(refusal(name, String(least - 1))).toBeDefined()
    expect(refusal(name, String(most + 1))).toBeDefined()
  })

  it.each([
    '1e3',
    '0x10',
    'Infinity',
    'NaN',
    '-1',
    '+5',
    '1.5',
    '5.0',
    '5,000',
    '5_000',
    '5 000',
    '9'.repeat(20),
    '٣',
    'x',
  ])('refuses %s', (text) => expect(refusal(name, text)).toBeDefined())
})

describe('HOST', () => {
  it.each([
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['0.0.0.0', '0.0.0.0'],
    ['localhost', 'localhost'],
    ['ingress-1.internal.example', 'ingress-1.internal.example'],
  ])('takes %s', (text, host) => expect(read('HOST', text)).toBe(host))

  it.each(['http://127.0.0.1', '127.0.0.1:3000', '127.0.0', '999.1.1.1', '[::1', 'fe80::1%eth0', 'a b', '-a.example'])(
    'refuses %s',
    (text) => expect(refusal('HOST', text)).toBeDefined(),
  )
})

describe('DATABASE_URL', () => {
  it.each([
    'postgres://user:password@127.0.0.1:5432/warmhook',
    'postgresql://user@[::1]/warmhook?sslmode=no-verify',
    'postgres://user:p%40ss%2F%23@db.example/warmhook',
    'postgres:///warmhook?host=/var/run/postgresql',
    'postgres:///warmhook?host=/var/run/postgresql&port=5433',
    'postgres://user@%2Fvar%2Frun%2Fpostgresql/warmhook',
    'postgres://user@%2Fvar%2Frun%2Fpostgresql:5433/warmhook',
    'postgres://user:password@/warmhook?host=/var/run/postgresql',
    'socket:/var/run/postgresql?db=warmhook',
    'socket:/var/run/postgresql/?db=warmhook&user=warmhook',
  ])('takes %s', (url) => expect(read('DATABASE_URL', url)).toBe(url))

  it.each([
    'mysql://127.0.0.1/warmhook',
    '10.1.2.3:5432/warmhook',
    'postgres://',
    'postgres://user:%ff@127.0.0.1/warmhook',
    'postgres://user:p@ss/word@127.0.0.1/warmhook',
    'postgres://user:12/34@127.0.0.1/warmhook',
    'postgres://user:12?34@127.0.0.1/warmhook',
    'postgres://user:12#34@127.0.0.1/warmhook',
    'postgres://127.0.0.1:99999/warmhook',
    'postgres:///warmhook?host=/tmp&port=five',
  ])('refuses %s', (url) => expect(refusal('DATABASE_URL', url)).toBeDefined())
})

describe('REDIS_URL', () => {
  it.each(['redis://user:p%ss@127.0.0.1', 'redis://%E0%A4%A@127.0.0.1', 'redis+sentinel://u:p%zz@s1/main'])(
    'reports the invalid %% escape in %s',
    (url) => {
      expect(refusal('REDIS_URL', url)).toBeDefined()
      expect(() => read('REDIS_URL', url)).toThrow('REDIS_URL contains an invalid % escape')
    },
  )

  it.each([
    'redis://127.0.0.1/first',
    'redis://:12/34@127.0.0.1',
    'redis://user:12?34@127.0.0.1',
    'redis://user:12#34@127.0.0.1',
    'redis://127.0.0.1:99999',
    'redis+sentinel://s1:99999/main',
  ])('refuses %s', (url) => expect(refusal('REDIS_URL', url)).toBeDefined())

  it.each(['redis://:p%40%2F%23%3F%25@127.0.0.1/2', 'rediss://[::1]:6379/?family=6'])('takes %s', (url) =>
    expect(read('REDIS_URL', url)).toBe(url),
  )
})

describe('the secrets', () => {
  it.each(['a b', 'a\u00e9', 'token"\u2026'])('refuse characters that are invalid in a header: %s', (text) =>
    expect(refusal('HUBSPOT_ACCESS_TOKEN', text)).toBeDefined(),
  )

  it.each([
    'hooks.slack.com/services/x',
    'ftp://hooks.slack.com/x',
    'https://user:password@hooks.slack.com/x',
    'https://',
  ])('refuse %s as a URL', (text) => expect(refusal('SLACK_WEBHOOK_URL', text)).toBeDefined())

  it.each([
    'https://user:password@api.hubapi.com',
    'https://api.hubapi.com?x=1',
    'https://api.hubapi.com/#x',
    'crm.example.com',
  ])('refuse %s as the base URL of an API', (text) => expect(refusal('HUBSPOT_BASE_URL', text)).toBeDefined())

  it('refuse a user name with a colon', () => expect(refusal('BOARD_USER', 'a:b')).toBeDefined())
})

describe('WARMHOOK_ENDPOINT_KEY', () => {
  it.each([
    'too-short-for-128-bit',
    'x'.repeat(257),
    `sha256:${'0'.repeat(64)}`,
    'slash/in-a-key-of-128-bits',
    'question?in-a-key-of-128-bits',
    'hash#in-a-key-of-128-bits-or-more',
    'percent%41in-a-key-of-128-bits',
    'space in a key of 128 bits or more',
    "quote'in-a-key-of-128-bits-or-more",
    'umlaut-ä-in-a-key-of-128-bits',
  ])('refuses %s', (text) => expect(refusal('WARMHOOK_ENDPOINT_KEY', text)).toBeDefined())

  it.each(['a-key-of-at-least-128-bits', 'abcDEF012._~!$&()*+,;=:@-', 'MDEyMzQ1Njc4OWFiY2RlZg=='])('takes %s', (text) =>
    expect(read('WARMHOOK_ENDPOINT_KEY', text)).toBe(text),
  )
})

describe('TRUSTED_PROXIES', () => {
  it('accepts addresses and ranges separated by commas or spaces', () => {
    expect(read('TRUSTED_PROXIES', '10.0.0.0/8, ::1, 192.0.2.7')).toEqual(['10.0.0.0/8', '::1', '192.0.2.7'])
  })

  it.each([',', '10.0.0.0/33', 'proxy.example', '10.0.0.0/8,x', '0.0.0.0/0', '::/0', '::/00'])('refuses %s', (text) =>
    expect(refusal('TRUSTED_PROXIES', text)).toBeDefined(),
  )
})

it.each([
  ['WORKER_QUEUES', ','],
  ['QUEUE_PREFIX', 'a b'],
  ['LOG_LEVEL', 'verbose'],
  ['CRM_PROVIDER', 'salesforce'],
] as const)('%s refuses %s', (name, text) => {
  expect(refusal(name, text)).toBeDefined()
})

describe('REDIS_MAXMEMORY', () => {
  it.each(['0', '512mb', '2GB', '64m', '40000k', '33554432'])('takes %s', (size) => {
    expect(read('REDIS_MAXMEMORY', size)).toBe(size)
  })

  it.each(['-1', '1.5gb', '512 mb', '1tb', '31mb', '33554431', '33mib', '05gb', 'all', '1b'])('refuses %s', (size) => {
    expect(refusal('REDIS_MAXMEMORY', size)).toMatch(/^must be /)
  })
})
