import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { createBatchProducer } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { connectProducer } from '@warmhook/queue/connections'
import { EnvelopeBatch } from '@warmhook/schema/batch'
import { decodeBody } from '@warmhook/schema/envelope'
import { defaultEndpoint } from '@warmhook/config/endpoints'
import { Secret } from '@warmhook/config/secret'
import { startIngress, type Ingress } from '@warmhook/ingress/start-ingress'
import { createLogger } from '@warmhook/telemetry/logger'
import { eventually } from '@warmhook/testing/eventually'
import { startTcpProxy } from '@warmhook/testing/start-tcp-proxy'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

const key = 'a-key-of-at-least-128-bits'

function start(redisUrl: string, prefix: string): Promise<Ingress> {
  const endpoints = [defaultEndpoint(new Secret(key))]
  return startIngress(
    {
      redisUrl,
      waitReplicas: 0,
      host: '127.0.0.1',
      port: 0,
      endpoints,
      maxBodyBytes: 262_144,
      ratePerSecond: 0,
      batchMax: 64,
      prefix,
      spool: undefined,
    },
    { log: createLogger('test', 'silent'), giveUp: () => undefined },
  )
}

/** The envelopes of each job in the intake queue. */
async function batchesUnder(prefix: string): Promise<readonly EnvelopeBatch['envelopes'][]> {
  const onError = (): void => undefined
  const connection = connectProducer({ url: inject('redisUrl'), onError })
  await eventually(() => connection.status === 'ready')
  const producer = createBatchProducer(intakeQueue, connection, { prefix, deadlineMs: 1_000, replicas: 0, onError })
  const jobs = await producer.queue.getJobs(['waiting'])
  await producer[Symbol.asyncDispose]()
  connection.disconnect()
  return jobs.map((job) => EnvelopeBatch.parse(job.data).envelopes)
}

describe('the ingress', () => {
  let keys: TestPrefix
  let ingress: Ingress
  beforeAll(async () => {
    keys = testPrefix()
    ingress = await start(keys.redisUrl, keys.prefix)
    await eventually(async () => expect((await fetch(`${ingress.url}/readyz`)).status).toBe(200))
  })
  afterAll(async () => {
    await ingress[Symbol.asyncDispose]()
    await keys[Symbol.asyncDispose]()
  })

  function send(
    body: string | Uint8Array<ArrayBuffer> | undefined,
    path = `/webhooks/mailivery/${key}`,
  ): Promise<Response> {
    return fetch(`${ingress.url}${path}`, { method: 'POST', ...(body === undefined ? {} : { body, duplex: 'half' }) })
  }

  /** All envelopes in the intake queue. */
  async function queued(): Promise<EnvelopeBatch['envelopes']> {
    return (await batchesUnder(keys.prefix)).flat()
  }

  it.each([
    ['text that is not JSON', Buffer.from('hello')],
    ['Latin-1 bytes', Buffer.from('{"name":"caf\xe9"}', 'latin1')],
    ['NUL bytes', Buffer.from([0, 1, 2, 0])],
    ['a byte order mark', Buffer.from('\uFEFF{}')],
  ])('accepts %s and stores every byte', async (_name, bytes) => {
    const response = await send(new Uint8Array(bytes))
    expect(response.status).toBe(202)
    const { id } = (await response.json()) as { id: string }
    const envelope = (await queued()).find((item) => item.id === id)
    expect(envelope && decodeBody(envelope).equals(bytes)).toBe(true)
  })

  it.each([
    ['an empty body', undefined, `/webhooks/mailivery/${key}`, 400],
    ['a wrong key', '{}', '/webhooks/mailivery/another-key-of-128-bits', 401],
    ['an unknown source', '{}', `/webhooks/nobody/${key}`, 404],
    ['10 MB', new Uint8Array(10_000_000), `/webhooks/mailivery/${key}`, 413],
    ['an unknown path', '{}', '/nothing', 404],
  ])('refuses %s', async (_name, body, path, status) => {
    const response = await send(body, path)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status })
  })

  it('refuses a chunked body that exceeds the limit', async () => {
    const socket = connect(Number(new URL(ingress.url).port), '127.0.0.1')
    socket.write(
      `POST /webhooks/mailivery/${key} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n`,
    )
    const chunk = 'x'.repeat(65_536)
    for (let sent = 0; sent < 6; sent += 1) socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    socket.write('0\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('stores nothing of an aborted request', async () => {
    const before = (await queued()).length
    const socket = connect(Number(new URL(ingress.url).port), '127.0.0.1')
    socket.write(`POST /webhooks/mailivery/${key} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf`)
    await eventually(() => socket.bytesWritten > 0)
    socket.destroy()
    expect((await send('{}')).status).toBe(202)
    expect(await queued()).toHaveLength(before + 1)
  })

  it('generates ids that sort in order of arrival', async () => {
    const ids: string[] = []
    for (let sent = 0; sent < 20; sent += 1) ids.push(((await (await send('{}')).json()) as { id: string }).id)
    expect(ids.toSorted()).toEqual(ids)
  })

  it('batches requests that arrive while an add is in flight', async () => {
    await using cleanup = new AsyncDisposableStack()
    const { redisUrl, prefix } = cleanup.use(testPrefix())
    const { hostname, port } = new URL(redisUrl)
    const proxy = cleanup.use(await startTcpProxy({ host: hostname, port: Number(port) }))
    const slow = cleanup.use(await start(`redis://127.0.0.1:${proxy.port}`, prefix))
    await eventually(async () => expect((await fetch(`${slow.url}/readyz`)).status).toBe(200))
    proxy.latencyMs = 100
    const answers = await Promise.all(
      Array.from({ length: 200 }, () =>
        fetch(`${slow.url}/webhooks/mailivery/${key}`, { method: 'POST', body: '{"together":1}' }),
      ),
    )
    expect(answers.every(({ status }) => status === 202)).toBe(true)
    const sizes = (await batchesUnder(prefix)).map((batch) => batch.length)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(200)
    // Without batching there would be 200 jobs; with full batches, four.
    expect(sizes.length).toBeLessThan(20)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64)
  })

  it('limits the memory for bodies that are being read, and releases it', async () => {
    // More than 64 MiB in all.
    const sockets = Array.from({ length: 300 }, () => connect(Number(new URL(ingress.url).port), '127.0.0.1'))
    const answers: string[] = []
    const head = `POST /webhooks/mailivery/${key} HTTP/1.1\r\nhost: x\r\ncontent-length: 262144\r\n\r\n`
    for (const socket of sockets) {
      socket.on('data', (data) => void answers.push(String(data))).on('error', () => undefined)
      socket.write(head + 'x'.repeat(262_000))
    }
    await eventually(() => answers.length > 0, { timeoutMs: 15_000 })
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: \d/i)
    expect(answers.length).toBeLessThan(100)
    for (const socket of sockets) socket.destroy()
    await eventually(async () => expect((await send('{}')).status).toBe(202))
  })

  it('counts its responses by status', async () => {
    const metrics = await (await fetch(`${ingress.url}/metrics`)).text()
    expect(metrics).toMatch(/warmhook_ingress_answers_total\{status="202",service="ingress"\} [1-9]/)
    expect(metrics).toMatch(/warmhook_ingress_answers_total\{status="413",service="ingress"\} [1-9]/)
  })
})

describe('the ingress without Redis', () => {
  it('answers 503 with Retry-After within two seconds, and 503 on /readyz', async () => {
    await using ingress = await start('redis://127.0.0.1:1', '{none}')
    const response = await fetch(`${ingress.url}/webhooks/mailivery/${key}`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(2_000),
    })
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await fetch(`${ingress.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${ingress.url}/healthz`)).status).toBe(200)
  })
})
