import { createConnection, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { once } from 'node:events'
import { defaultEndpoint, type Endpoint } from '@warmhook/config/endpoints'
import { Secret } from '@warmhook/config/secret'
import { startIngress, type Ingress } from '@warmhook/ingress/start-ingress'
import { decodeBody, encodeBody } from '@warmhook/schema/envelope'
import { readEnvelope } from '@warmhook/schema/read-envelope'
import { createLogger } from '@warmhook/telemetry/logger'
import { eventually } from '@warmhook/testing/eventually'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstallation } from './support/start-installation.ts'

const keyOf = (owner: string): string => `${owner}-key-of-at-least-128-bits`

describe('the ingress', () => {
  let keys: TestPrefix
  let ingress: Ingress
  beforeAll(async () => {
    keys = testPrefix()
    const endpoints = ['acme', 'globex'].map((owner): Endpoint => ({
      ...defaultEndpoint(new Secret(keyOf(owner))),
      owner,
    }))
    ingress = await startIngress(
      {
        redisUrl: keys.redisUrl,
        waitReplicas: 0,
        host: '127.0.0.1',
        port: 0,
        endpoints,
        maxBodyBytes: 262_144,
        ratePerSecond: 10,
        timeouts: {
          headersTimeout: 300,
          requestTimeout: 600,
          keepAliveTimeout: 60_000,
          connectionsCheckingInterval: 50,
        },
        batchMax: 64,
        prefix: keys.prefix,
        spool: undefined,
      },
      { log: createLogger('test', 'silent'), giveUp: () => undefined },
    )
    await eventually(async () => expect((await fetch(`${ingress.url}/readyz`)).status).toBe(200))
  })
  afterAll(async () => {
    await ingress[Symbol.asyncDispose]()
    await keys[Symbol.asyncDispose]()
  })

  const send = (owner: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${ingress.url}/webhooks/mailivery/${keyOf(owner)}`, { method: 'POST', body: '{}', ...init })

  async function connect(): Promise<Socket> {
    const { hostname, port } = new URL(ingress.url)
    const socket = createConnection({ host: hostname, port: Number(port) })
    await once(socket, 'connect')
    return socket
  }

  /** Everything that the server sends before it closes the connection. */
  async function readToEnd(socket: Socket): Promise<string> {
    let text = ''
    for await (const chunk of socket.setEncoding('utf8')) text += String(chunk)
    return text
  }

  it('serves other keys while one key is flooded', async () => {
    const flood = await Promise.all(Array.from({ length: 100 }, () => send('acme')))
    const refused = flood.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(50)
    expect(flood.filter(({ status }) => status === 202).length).toBeGreaterThanOrEqual(20)
    for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect((await send('globex')).status).toBe(202)
  })

  it.each(['gzip', 'br', 'deflate, gzip', 'nonsense'])('accepts a body with Content-Encoding %s', async (encoding) => {
    const body = gzipSync('0'.repeat(1_000_000))
    expect((await send('globex', { body, headers: { 'content-encoding': encoding } })).status).toBe(202)
  })

  it('closes a connection with incomplete headers after a timeout', async () => {
    const socket = await connect()
    socket.write('POST /webhooks/mailivery/x HTTP/1.1\r\nhost: x\r\n')
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 408/)
  })

  it('closes a connection with an incomplete body after a timeout', async () => {
    const socket = await connect()
    socket.write(`POST /webhooks/mailivery/${keyOf('globex')} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"a":`)
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('survives connections that are reset in the middle of a body', async () => {
    for (let count = 0; count < 50; count += 1) {
      const socket = await connect()
      socket.write(
        `POST /webhooks/mailivery/${keyOf('globex')} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"a":`,
      )
      socket.resetAndDestroy()
    }
    expect((await fetch(`${ingress.url}/healthz`)).status).toBe(200)
  })

  it('answers with thousands of idle connections open', { timeout: 60_000 }, async () => {
    const idle = await Promise.all(Array.from({ length: 2_000 }, connect))
    expect((await fetch(`${ingress.url}/healthz`)).status).toBe(200)
    for (const socket of idle) socket.destroy()
  })
})

/** Bodies that break parsers: random bytes, random JSON, the documented shape with unusual values. */
const hostileBody: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
  fc.json().map((json) => Buffer.from(json)),
  fc
    .record({
      type: fc.oneof(fc.constantFrom('campaign.updated', 'campaign.deleted', '__proto__'), fc.string()),
      account: fc.oneof(
        fc.record({
          campaign_id: fc.oneof(fc.nat(), fc.double(), fc.maxSafeInteger(), fc.string(), fc.constant(null)),
          email: fc.oneof(fc.string({ unit: 'binary' }), fc.constant('a\0b@c.example'), fc.constant('\ud800')),
          tags: fc.oneof(fc.array(fc.string({ unit: 'binary' })), fc.constant(null), fc.object()),
          __proto__: fc.constant(null),
        }),
        fc.anything(),
      ),
      reason: fc.oneof(fc.string({ unit: 'binary' }), fc.bigInt().map(String), fc.constant(undefined)),
    })
    .map((payload) =>
      Buffer.from(JSON.stringify(payload, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))),
    ),
)

const craftedBodies: readonly string[] = [
  `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  `{"type":"campaign.updated","account":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
  ...['1e400', '-0', '9007199254740993', '1.5', '-1', '0x10', '"12 "'].map(
    (id) => `{"type":"campaign.updated","account":{"campaign_id":${id},"email":"a@b.example"}}`,
  ),
  '{"__proto__":{"type":"campaign.updated"},"constructor":{"prototype":{"polluted":1}}}',
  '{"type":"campaign.updated","type":"campaign.deleted","account":{"id":1,"id":2}}',
  '{"type":"campaign.updated","account":{"id":3,"email":"\\u0000\\ud800@x.example","tags":["\\u0000"],"meta":"\\udfff"}}',
  '\u0001'.repeat(262_144),
  '"'.repeat(262_144),
  '\ufeff{"type":"campaign.updated","account":{"id":4}}',
]

describe('hostile bodies', () => {
  it('are all classified and stored byte for byte', () => {
    fc.assert(
      fc.property(hostileBody, (bytes) => {
        const encoded = encodeBody(bytes)
        expect(decodeBody(encoded).equals(bytes)).toBe(true)
        const id = '019a1b2c-0000-7000-8000-000000000001'
        const verdict = readEnvelope({ id, source: 'mailivery', owner: 'acme', receivedAt: 1, ...encoded })
        expect(typeof verdict.ok).toBe('boolean')
      }),
      { numRuns: 2_000 },
    )
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it('all reach a final state in the ledger', { timeout: 120_000 }, async () => {
    await using site = await startInstallation()
    const bodies = [
      ...craftedBodies.map((text) => Buffer.from(text)),
      ...fc.sample(hostileBody, { numRuns: 300, seed: 7 }),
    ]
    const answers = await Promise.all(bodies.map((body) => site.send(new Uint8Array(body))))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    const ledger = await site.settled(bodies.length)
    expect(ledger).toMatchObject({ balanced: true, dead: 0, inFlight: 0 })
    expect(ledger.quarantined).toBeGreaterThan(10)
    expect(ledger.processed).toBeGreaterThan(3)
  })

  it('leave no secrets or personal data in logs, metrics and errors', { timeout: 60_000 }, async () => {
    const address = 'somebody.private@people.example'
    await using site = await startInstallation({
      LOG_LEVEL: 'trace',
      HUBSPOT_ACCESS_TOKEN: 'crm-token-of-ours',
      HUBSPOT_BASE_URL: 'http://127.0.0.1:1',
    })
    const bodies = [
      `{"type":"campaign.updated","account":{"campaign_id":1,"email":"${address}","first_name":"${address}"}}`,
      `{"type":"${address}","account":{"email":"${address}"}}`,
      `not JSON ${address}`,
    ]
    for (const body of bodies) expect((await site.send(body)).status).toBe(202)
    const refused = await fetch(`${site.ingressUrl}/webhooks/mailivery/wrong-${address}`, {
      method: 'POST',
      body: address,
    })
    await site.worker.waitForLine(/peer refuses/)
    const seen = [
      site.worker.output(),
      ...site.outputs(),
      await refused.text(),
      await (await fetch(`${site.ingressUrl}/metrics`)).text(),
    ].join('\n')
    for (const secret of [address, site.env['WARMHOOK_ENDPOINT_KEY'], site.env['BOARD_PASSWORD'], 'crm-token-of-ours'])
      expect(seen).not.toContain(secret)
  })
})
