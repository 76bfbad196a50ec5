import { plainPath } from '@warmhook/lifecycle/plain-path'
import type { ErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import { Hono } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import type { Registry } from 'prom-client'
import type { Readiness } from './watch-readiness.ts'

export interface WorkerAppDeps {
  readonly readiness: Pick<Readiness, 'blockedBy'>
  readonly registry: Registry
  readonly report: ErrorReporter
}

/** The worker's routes: health checks and metrics. */
export function createApp({ readiness, registry, report }: WorkerAppDeps): Hono {
  const app = new Hono({ getPath: plainPath })
  app.use(methodNotAllowed({ app }))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', (c) => {
    const reason = readiness.blockedBy()
    return reason === undefined ? c.json({ status: 'ready' }) : c.json({ status: reason }, 503)
  })
  app.get('/metrics', async (c) => c.body(await registry.metrics(), 200, { 'content-type': registry.contentType }))
  app.onError((err, c) => {
    report('request failed', 'error')(err)
    return c.json({ status: 'error' }, 500)
  })
  return app
}
