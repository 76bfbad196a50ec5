import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClearEndpointKey } from '@warmhook/config/endpoint-key'
import { defaultEndpoint } from '@warmhook/config/endpoints'
import { startIngress } from '@warmhook/ingress/start-ingress'
import { openQueue } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { EnvelopeBatch } from '@warmhook/schema/batch'
import { createLogger } from '@warmhook/telemetry/logger'
import { eventually } from '@warmhook/testing/eventually'
import { spawnApp, type SpawnedApp } from '@warmhook/testing/spawn-app'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const oldKey = 'the-live-key-of-at-least-128-bits'
const newKey = 'the-next-key-of-at-least-128-bits'
const hashedKey = 'a-key-that-is-known-by-its-digest'
const body = '{"type":"campaign.updated","account":{"campaign_id":1}}'

let directory: string
let keys: TestPrefix
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'warmhook endpoints '))
  keys = testPrefix()
})
afterAll(async () => {
  await keys[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

async function write(name: string, text: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}

interface Running extends AsyncDisposable {
  readonly url: string
  post(key: string, headers?: Record<string, string>): Promise<number>
}

async function startWith(env: Readonly<Record<string, string>>): Promise<Running> {
  const app = await spawnApp('apps/ingress/src/main.ts', {
    REDIS_URL: keys.redisUrl,
    QUEUE_PREFIX: keys.prefix,
    INGRESS_PORT: '0',
    ...env,
  })
  const url = await urlOf(app)
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200))
  return {
    url,
    post: async (key, headers = {}) =>
      (await fetch(`${url}/webhooks/mailivery/${key}`, { method: 'POST', headers, body })).status,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

async function urlOf(app: SpawnedApp): Promise<string> {
  const [, url] = await app.waitForLine(/"url":"(http:[^"]+)"/)
  if (url === undefined) throw new Error('the pattern has a group')
  return url
}

/** Returns the owners of all webhooks in the intake queue, and empties it. */
async function takeOwners(): Promise<readonly string[]> {
  const onError = (): undefined => undefined
  const redis = connectConsumer({ url: keys.redisUrl, onError })
  const queue = openQueue(intakeQueue, redis, { prefix: keys.prefix, onError })
  try {
    const jobs = await queue.getJobs(['waiting'])
    await queue.obliterate({ force: true })
    return jobs.flatMap((job) => EnvelopeBatch.parse(job.data).envelopes.map(({ owner }) => owner)).toSorted()
  } finally {
    await queue.close()
    await disconnect(redis)
  }
}

describe('ENDPOINTS_FILE', () => {
  it(
    'gives each owner its own keys: two during a rotation, or a key given by its digest',
    { timeout: 30_000 },
    async () => {
      const digest = createHash('sha256').update(hashedKey).digest('hex')
      const file = await write(
        'owners.yaml',
        `endpoints:\n  - owner: acme\n    keys: [${oldKey}, ${newKey}]\n  - owner: beta\n    keys: ["sha256:${digest}"]\n`,
      )
      await using ingress = await startWith({ ENDPOINTS_FILE: file })
      expect(await ingress.post(oldKey)).toBe(202)
      expect(await ingress.post(newKey)).toBe(202)
      expect(await ingress.post(hashedKey)).toBe(202)
      expect(await ingress.post(`sha256:${digest}`)).toBe(401)
      expect(await ingress.post(digest)).toBe(401)
      expect(await ingress.post('a-key-that-nobody-has-given-out')).toBe(401)
      expect(await takeOwners()).toEqual(['acme', 'acme', 'beta'])
    },
  )

  it('ends a rotation: a key removed from the file is refused', { timeout: 30_000 }, async () => {
    const file = await write('rotated.yaml', `endpoints: [{ owner: acme, keys: [${newKey}] }]`)
    await using ingress = await startWith({ ENDPOINTS_FILE: file })
    expect([await ingress.post(oldKey), await ingress.post(newKey)]).toEqual([401, 202])
    expect(await takeOwners()).toEqual(['acme'])
  })

  it(
    'admits only addresses in `allow`, seen directly or reported by trusted proxies',
    { timeout: 60_000 },
    async () => {
      const file = await write(
        'allow.yaml',
        `endpoints:\n  - { owner: near, keys: [${oldKey}], allow: [127.0.0.0/8] }\n  - { owner: far, keys: [${newKey}], allow: [203.0.113.0/24, '2001:db8::/32'] }\n`,
      )
      const claim = { 'x-forwarded-for': '203.0.113.9' }
      {
        await using ingress = await startWith({ ENDPOINTS_FILE: file })
        expect([await ingress.post(oldKey), await ingress.post(newKey), await ingress.post(newKey, claim)]).toEqual([
          202, 403, 403,
        ])
      }
      await using ingress = await startWith({ ENDPOINTS_FILE: file, TRUSTED_PROXIES: '127.0.0.1' })
      expect(await ingress.post(newKey)).toBe(403)
      expect(await ingress.post(newKey, claim)).toBe(202)
      expect(await ingress.post(newKey, { forwarded: 'for="[2001:db8::1]:5000"' })).toBe(202)
      expect(await ingress.post(newKey, { 'x-forwarded-for': '203.0.113.9, 198.51.100.1' })).toBe(403)
      expect(await ingress.post(newKey, { ...claim, forwarded: 'for=198.51.100.1' })).toBe(403)
      expect(await ingress.post(oldKey, claim)).toBe(403)
      expect(await takeOwners()).toEqual(['far', 'far', 'near'])
    },
  )
})

describe('WARMHOOK_ENDPOINT_KEY', () => {
  it('can be read from a file with a byte order mark and a line break', { timeout: 30_000 }, async () => {
    const file = await write('key.txt', `\uFEFF${oldKey}\r\n`)
    await using ingress = await startWith({ WARMHOOK_ENDPOINT_KEY_FILE: file })
    expect([await ingress.post(oldKey), await ingress.post(newKey)]).toEqual([202, 401])
    expect(await takeOwners()).toEqual(['default'])
  })

  it('works unescaped in the URL with every allowed character', { timeout: 30_000 }, async () => {
    const characters = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index))
    const accepted = characters
      .map((character) => ClearEndpointKey.safeParse(`${character}-key-of-at-least-128-bits-${character}`).data)
      .filter((key) => key !== undefined)
    expect(accepted.length).toBeGreaterThan(62)
    await using ingress = await startIngress(
      {
        redisUrl: keys.redisUrl,
        waitReplicas: 0,
        host: '127.0.0.1',
        port: 0,
        endpoints: accepted.map(defaultEndpoint),
        maxBodyBytes: 1_000,
        ratePerSecond: undefined,
        batchMax: 64,
        prefix: keys.prefix,
        spool: undefined,
      },
      { log: createLogger('test', 'silent'), giveUp: () => undefined },
    )
    await eventually(async () => expect((await fetch(`${ingress.url}/readyz`)).status).toBe(200))
    for (const key of accepted.map((secret) => secret.reveal())) {
      const { status } = await fetch(`${ingress.url}/webhooks/mailivery/${key}`, { method: 'POST', body })
      expect({ key, status }).toEqual({ key, status: 202 })
    }
    expect(await takeOwners()).toHaveLength(accepted.length)
  })
})

describe('RATE_LIMIT_PER_SECOND', () => {
  it('limits a single endpoint if it is set, and not if it is unset', { timeout: 30_000 }, async () => {
    const env = { WARMHOOK_ENDPOINT_KEY: oldKey }
    const flood = (ingress: Running) => Promise.all(Array.from({ length: 40 }, () => ingress.post(oldKey)))
    {
      await using ingress = await startWith({ ...env, RATE_LIMIT_PER_SECOND: '5' })
      const answers = await flood(ingress)
      expect(answers.filter((status) => status === 202).length).toBeGreaterThanOrEqual(10)
      expect(answers).toContain(429)
    }
    await using ingress = await startWith(env)
    expect(new Set(await flood(ingress))).toEqual(new Set([202]))
  })
})
