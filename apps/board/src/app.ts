import { Hono } from 'hono'
import { basicAuth } from 'hono/basic-auth'
import { csrf } from 'hono/csrf'
import { secureHeaders } from 'hono/secure-headers'
import type { BoardDeps } from './board-deps.ts'
import { createApi } from './api/create-api.ts'
import { createBullBoardApp } from './bull-board.ts'
import { createDashboard } from './dashboard/create-dashboard.ts'
import { answerError, problem } from './problem.ts'

/** The board's routes. Opens nothing. */
export function createApp(deps: BoardDeps): Hono {
  const app = new Hono()
  app.use(secureHeaders({ contentSecurityPolicy: policy, crossOriginEmbedderPolicy: false }))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/metrics', async (c) =>
    c.body(await deps.registry.metrics(), 200, { 'content-type': deps.registry.contentType }),
  )
  app.use(basicAuth({ username: deps.user, password: deps.password.reveal(), realm: 'Warmhook' }))
  app.use(requireOwnOrigin)
  app.use(csrf())
  app.route('/api', createApi(deps))
  app.route('/queues', createBullBoardApp([deps.intake, ...deps.handlers]))
  app.route('/', createDashboard(deps))
  app.notFound((c) => problem(c, 404, 'There is nothing here'))
  app.onError((error, c) => answerError(error, c, deps.log))
  return app
}

/**
 * hono/csrf looks at form bodies only. A browser says where any other write comes from too, and a page elsewhere may
 * not use the password that the browser remembers.
 */
async function requireOwnOrigin(
  c: Parameters<ReturnType<typeof csrf>>[0],
  next: () => Promise<void>,
): Promise<Response | void> {
  const isWrite = !['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)
  const origin = c.req.header('origin')
  const site = c.req.header('sec-fetch-site')
  const isForeign =
    (origin !== undefined && origin !== new URL(c.req.url).origin) || site === 'cross-site' || site === 'same-site'
  if (isWrite && isForeign) return problem(c, 403, 'Writes from another site are refused')
  return next()
}

// Bull Board writes styles into its page and loads its font; scripts come from here alone.
const policy = {
  defaultSrc: ["'self'"],
  scriptSrc: ["'self'", "'unsafe-inline'"],
  styleSrc: ["'self'", "'unsafe-inline'", 'https://fonts.googleapis.com'],
  fontSrc: ["'self'", 'data:', 'https://fonts.gstatic.com'],
  imgSrc: ["'self'", 'data:'],
  frameAncestors: ["'none'"],
}
