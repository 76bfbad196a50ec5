import { serve, type HttpBindings } from '@hono/node-server'
import { connectProducer } from '@warmhook/queue/connections'
import { createGroupCommit } from '@warmhook/batching/group-commit'
import { Hono } from 'hono'

/*
 * Bare Hono, except that each response waits for Redis: the upper bound for any ingress that persists webhooks. It
 * discards the body; all requests that arrive during a PING share the next one.
 */
const redis = connectProducer({ url: process.env['REDIS_URL'] ?? '', onError: (error) => console.error(error.message) })
const group = createGroupCommit<undefined>({
  commit: async () => void (await redis.ping()),
  sizeOf: () => 0,
  maxItems: 100,
  maxSize: Number.POSITIVE_INFINITY,
  timeLimitMs: 5_000,
  maxConcurrent: 1,
})

const app = new Hono<{ Bindings: HttpBindings }>()
app.post('/webhooks/:source/:key', async (c) => {
  c.env.incoming.resume()
  await group.submit(undefined)
  return c.json({ id: '019a1b2c-0000-7000-8000-000000000001' }, 202)
})
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`{"url":"http://127.0.0.1:${port}"}\n`)
})
process.once('SIGTERM', () => {
  server.close()
  redis.disconnect()
})
