import { Hono, type Context } from 'hono'
import { basicAuth } from 'hono/basic-auth'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { secureHeaders } from 'hono/secure-headers'
import type { BoardDeps } from './board-deps.ts'
import { createApi } from './api/create-api.ts'
import { createBullBoardApp } from './bull-board.ts'
import { createDashboard } from './dashboard/create-dashboard.ts'
import { answerError } from './http/answer-error.ts'
import { answerInTime } from './http/answer-in-time.ts'
import { problem } from './http/problem.ts'
import { refuseForeignWrites } from './http/refuse-foreign-writes.ts'
import { routePathUnder } from './http/route-path.ts'

/** The board's routes. Opens no connections. */
export function createApp(deps: BoardDeps): Hono {
  const { basePath, registry } = deps
  const app: Hono = new Hono({ getPath: routePathUnder(basePath) }).basePath(basePath)
  app.notFound((c) => problem(c, 404, 'Not found'))
  app.onError((error, c) => answerError(error, c, deps))
  app.use(secureHeaders({ contentSecurityPolicy: policy, crossOriginEmbedderPolicy: false }))
  app.use(methodNotAllowed({ app, onMethodNotAllowed: refuseMethod }))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/metrics', async (c) => c.body(await registry.metrics(), 200, { 'content-type': registry.contentType }))
  // They require no password, regardless of the method.
  for (const path of ['/healthz', '/metrics']) app.all(path, (c) => refuseMethod(c, ['GET', 'HEAD']))
  app.use(basicAuth({ username: deps.user, password: deps.password.reveal(), realm: 'Warmhook' }))
  app.use(refuseForeignWrites)
  app.use(answerInTime(deps))
  app.route('/api', createApi(deps))
  app.route('/queues', createBullBoardApp(deps))
  app.route('/', createDashboard(deps))
  return app
}

async function refuseMethod(c: Context, methods: readonly string[]): Promise<Response> {
  const allow = methods.join(', ')
  const response = await problem(c, 405, `${c.req.method} is not allowed; allowed: ${allow}`)
  response.headers.set('allow', allow)
  return response
}

// Bull Board uses inline styles and loads a web font.
const policy = {
  defaultSrc: ["'self'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'", 'https://fonts.googleapis.com'],
  fontSrc: ["'self'", 'data:', 'https://fonts.gstatic.com'],
  imgSrc: ["'self'", 'data:'],
  frameAncestors: ["'none'"],
}
