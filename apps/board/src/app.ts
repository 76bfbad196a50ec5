import { Hono } from 'hono'
import { basicAuth } from 'hono/basic-auth'
import { secureHeaders } from 'hono/secure-headers'
import type { BoardDeps } from './board-deps.ts'
import { createApi } from './api/create-api.ts'
import { createBullBoardApp } from './bull-board.ts'
import { createDashboard } from './dashboard/create-dashboard.ts'
import { answerError, problem } from './problem.ts'
import { refuseForeignWrites } from './refuse-foreign-writes.ts'

/** The board's routes. Opens nothing. */
export function createApp(deps: BoardDeps): Hono {
  const app = new Hono()
  app.use(secureHeaders({ contentSecurityPolicy: policy, crossOriginEmbedderPolicy: false }))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/metrics', async (c) =>
    c.body(await deps.registry.metrics(), 200, { 'content-type': deps.registry.contentType }),
  )
  app.use(basicAuth({ username: deps.user, password: deps.password.reveal(), realm: 'Warmhook' }))
  app.use(refuseForeignWrites)
  app.route('/api', createApi(deps))
  app.route('/queues', createBullBoardApp([deps.intake, ...deps.handlers]))
  app.route('/', createDashboard(deps))
  app.notFound((c) => problem(c, 404, 'There is nothing here'))
  app.onError((error, c) => answerError(error, c, deps))
  return app
}

// Bull Board writes styles into its page and loads its font.
const policy = {
  defaultSrc: ["'self'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'", 'https://fonts.googleapis.com'],
  fontSrc: ["'self'", 'data:', 'https://fonts.gstatic.com'],
  imgSrc: ["'self'", 'data:'],
  frameAncestors: ["'none'"],
}
