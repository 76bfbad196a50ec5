import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { spawnApp } from '@warmhook/testing/spawn-app'
import { testPrefix } from '@warmhook/testing/test-prefix'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const key = 'a-key-of-at-least-128-bits'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'warmhook settings '))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Runs a process that exits by itself, and returns the reason that it prints. */
async function failureOf(app: string, env: Readonly<Record<string, string>>, args: readonly string[] = []) {
  await using running = await spawnApp(`apps/${app}/src/main.ts`, env, { args })
  const { code } = await running.exited
  const output = running.output()
  const fatal = output.split('\n').find((line) => line.startsWith('{"level":60,'))
  return { code, output, reason: fatal === undefined ? output : (JSON.parse(fatal) as { msg: string }).msg }
}

/** The name at the start of each problem. */
function namesIn(reason: string): readonly string[] {
  return [...reason.matchAll(/^ {2}- (\w+)/gm)].map(([, name]) => name ?? '')
}

const badHandlers = {
  SLACK_WEBHOOK_URL: 'live-slack-secret',
  HUBSPOT_ACCESS_TOKEN: 'live hubspot secret',
  HUBSPOT_BASE_URL: 'x',
}
const badCore = {
  REDIS_URL: 'redis://:live%redis-secret@127.0.0.1',
  DATABASE_URL: 'postgres://u:live#secret@127.0.0.1/db',
  HOST: 'http://x',
}

describe('a process with invalid settings names all of them in one message, without values, and exits with 1', () => {
  it.each([
    [
      'worker',
      { ...badCore, ...badHandlers, WORKER_QUEUES: 'intake,nothing', WORKER_PORT: '0x10', WORKER_CONCURRENCY: '1e1' },
      [
        'REDIS_URL',
        'DATABASE_URL',
        'HOST',
        'WORKER_PORT',
        'WORKER_CONCURRENCY',
        'WORKER_QUEUES',
        'HUBSPOT_ACCESS_TOKEN',
        'HUBSPOT_BASE_URL',
        'SLACK_WEBHOOK_URL',
      ],
    ],
    [
      'ingress',
      {
        ...badCore,
        WARMHOOK_ENDPOINT_KEY: 'live/secret-key-of-at-least-128-bits',
        ENDPOINTS_FILE: '/missing',
        SPOOL_DIR: '/dev/null/spool',
        BATCH_MAX: '0',
      },
      ['REDIS_URL', 'HOST', 'BATCH_MAX', 'WARMHOOK_ENDPOINT_KEY', 'ENDPOINTS_FILE', 'SPOOL_DIR'],
    ],
    [
      'board',
      { ...badCore, BOARD_PASSWORD: 'live', BOARD_USER: 'a:b', BOARD_PORT: 'x' },
      ['REDIS_URL', 'DATABASE_URL', 'HOST', 'BOARD_PORT', 'BOARD_USER', 'BOARD_PASSWORD'],
    ],
    [
      'standalone',
      {
        ...badCore,
        ...badHandlers,
        DATA_DIR: '/proc/warmhook/data',
        INGRESS_PORT: '4000',
        BOARD_PORT: '4000',
        ENDPOINTS_FILE: '/missing',
        TRUSTED_PROXIES: '0.0.0.0/0',
      },
      [
        'REDIS_URL',
        'DATABASE_URL',
        'HOST',
        'TRUSTED_PROXIES',
        'INGRESS_PORT',
        'DATA_DIR',
        'ENDPOINTS_FILE',
        'HUBSPOT_ACCESS_TOKEN',
        'HUBSPOT_BASE_URL',
        'SLACK_WEBHOOK_URL',
      ],
    ],
  ])('%s', { timeout: 30_000 }, async (app, env, names) => {
    const { code, reason, output } = await failureOf(app, env)
    expect(code).toBe(1)
    expect(reason).toMatch(/^Invalid configuration:/)
    expect(namesIn(reason).toSorted()).toEqual(names.toSorted())
    expect(output).not.toMatch(/live|secret/)
  })

  it('warmhook', async () => {
    const env = { HOST: 'http://x', INGRESS_PORT: '1e3', WARMHOOK_ENDPOINT_KEY: 'short', DATA_DIR: directory }
    const { code, reason } = await failureOf('cli', env, ['send'])
    expect(code).toBe(1)
    expect(reason).toMatch(/^warmhook: Invalid configuration:/)
    expect(namesIn(reason)).toEqual(['HOST', 'INGRESS_PORT', 'WARMHOOK_ENDPOINT_KEY'])
  })
})

describe('DATA_DIR', () => {
  it.each([
    ['is a file', async () => writeTo('data', ''), /DATA_DIR ".*" is not a directory/],
    ['cannot be created', async () => '/proc/warmhook', /DATA_DIR ".*" cannot be created/],
  ])('is named in the error if it %s', { timeout: 30_000 }, async (_name, path, problem) => {
    const { code, reason } = await failureOf('standalone', { DATA_DIR: await path() })
    expect(code).toBe(1)
    expect(reason).toMatch(problem)
  })
})

describe('a port in use', () => {
  it.each([
    ['ingress', 'INGRESS_PORT'],
    ['board', 'BOARD_PORT'],
    ['worker', 'WORKER_PORT'],
  ])('of the %s is reported with its variable and advice', { timeout: 30_000 }, async (app, variable) => {
    await using keys = testPrefix()
    await using database = await createTestDatabase()
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const env = {
      REDIS_URL: keys.redisUrl,
      QUEUE_PREFIX: keys.prefix,
      DATABASE_URL: database.url,
      WARMHOOK_ENDPOINT_KEY: key,
      BOARD_PASSWORD: 'a-password',
    }
    const { code, reason } = await failureOf(app, { ...env, [variable]: String(port) })
    taken.close()
    expect(code).toBe(1)
    expect(reason).toBe(
      `${variable}: port ${port} on 127.0.0.1 is in use by another program; stop that program, or set ${variable} to another port`,
    )
  })
})

describe('DATABASE_URL over a Unix socket', () => {
  it.each([
    ['host', (user: string, name: string, at: string) => `postgres://${user}@/${name}?host=${at}`],
    ['host, separate user', (user: string, name: string, at: string) => `postgres:///${name}?host=${at}&user=${user}`],
    [
      'percent-encoded host',
      (user: string, name: string, at: string) => `postgres://${user}@${encodeURIComponent(at)}/${name}`,
    ],
    ['socket:', (user: string, name: string, at: string) => `socket:${at}?db=${name}&user=${user}`],
  ])('works with %s', { timeout: 30_000 }, async (_form, toUrl) => {
    await using database = await createTestDatabase()
    await using socket = await openSocket(new URL(database.url))
    const { username, password, pathname } = new URL(database.url)
    const url = toUrl(username, pathname.slice(1), socket.directory)
    const env = { DATABASE_URL: url, ...(password === '' ? {} : { PGPASSWORD: decodeURIComponent(password) }) }
    const { code, output } = await failureOf('cli', env, ['migrate'])
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('applied 001') })
  })
})

/** Opens a Unix socket in a new directory, like Postgres's, that forwards to the server. */
async function openSocket({ hostname, port }: URL): Promise<AsyncDisposable & { readonly directory: string }> {
  const place = await mkdtemp(join(tmpdir(), 'wh-pg-'))
  const server = createServer((near) => {
    const far = connect(Number(port || 5432), hostname)
    near.on('error', () => far.destroy()).pipe(far)
    far.on('error', () => near.destroy()).pipe(near)
  })
  server.listen(join(place, '.s.PGSQL.5432'))
  await once(server, 'listening')
  return {
    directory: place,
    async [Symbol.asyncDispose]() {
      server.close()
      await rm(place, { recursive: true, force: true })
    },
  }
}

async function writeTo(name: string, text: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}
