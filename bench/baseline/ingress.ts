import { serve } from '@hono/node-server'
import { openQueue } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { connectProducer } from '@warmhook/queue/connections'
import { encodeBody, type Envelope } from '@warmhook/schema/envelope'
import { Hono } from 'hono'
import { v7 as uuidv7 } from 'uuid'

/*
 * The baseline for the ingress: a route that awaits `queue.add()`, one job per event. Connection, queue options, key
 * check and stored envelope are the same as Warmhook's, so batching is the only difference.
 */

const { REDIS_URL = '', QUEUE_PREFIX = '', WARMHOOK_ENDPOINT_KEY } = process.env
const onError = (error: Error): void => console.error(error.message)
const connection = connectProducer({ url: REDIS_URL, onError })
const queue = openQueue(intakeQueue, connection, { prefix: QUEUE_PREFIX, onError })

const app = new Hono()
app.post('/webhooks/:source/:key', async (c) => {
  if (c.req.param('key') !== WARMHOOK_ENDPOINT_KEY) return c.body(null, 401)
  const body = new Uint8Array(await c.req.arrayBuffer())
  const id = uuidv7()
  const source = c.req.param('source')
  const envelope: Envelope = { id, source, owner: 'default', receivedAt: Date.now(), ...encodeBody(body) }
  await queue.add('webhook', { envelopes: [envelope] }, { jobId: id })
  return c.json({ id }, 202)
})
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`{"url":"http://127.0.0.1:${port}"}\n`)
})
process.once('SIGTERM', () => {
  server.close()
  connection.disconnect()
})
