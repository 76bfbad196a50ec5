import { serve } from '@hono/node-server'
import { Hono } from 'hono'

/** The upper bound: a Hono route that reads nothing and answers 202. Port in argv. */
const app = new Hono()
app.post('/webhooks/:source/:key', (c) => c.json({ id: '019a1b2c-0000-7000-8000-000000000001' }, 202))
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.argv[2] ?? 0) }, ({ port }) => {
  process.stdout.write(`{"url":"http://127.0.0.1:${port}"}\n`)
})
