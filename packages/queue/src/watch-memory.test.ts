import { eventually } from '@warmhook/testing/eventually'
import { startTcpProxy } from '@warmhook/testing/start-tcp-proxy'
import { testPrefix } from '@warmhook/testing/test-prefix'
import { expect, it } from 'vitest'
import { connectProducer } from './connections.ts'
import { watchMemory } from './watch-memory.ts'

it('quickly detects that Redis stops answering, and that it answers again', async () => {
  await using cleanup = new AsyncDisposableStack()
  const url = new URL(cleanup.use(testPrefix()).redisUrl)
  const proxy = cleanup.use(await startTcpProxy({ host: url.hostname, port: Number(url.port) }))
  url.host = `127.0.0.1:${proxy.port}`
  const redis = connectProducer({ url: url.href, onError: () => undefined })
  cleanup.defer(() => redis.disconnect())
  const memory = cleanup.use(watchMemory(redis, { maxShare: 0.8, intervalMs: 200, onError: () => undefined }))
  await eventually(() => expect(redis.status).toBe('ready'))
  proxy.silence('answer')
  await eventually(() => expect(memory.isAnswered).toBe(false))
  expect(redis.status).toBe('ready')
  await eventually(() => expect(memory.isAnswered).toBe(true), { timeoutMs: 10_000, intervalMs: 50 })
})
