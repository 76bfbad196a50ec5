import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { HonoAdapter } from '@bull-board/hono'
import { serveStatic } from '@hono/node-server/serve-static'
import { intakeQueue } from '@warmhook/queue/catalog'
import { Hono, type Handler } from 'hono'
import type { BoardDeps } from './board-deps.ts'
import { redisAnswers } from './http/find-unreachable.ts'
import { problem } from './http/problem.ts'
import { unreachable } from './http/unreachable-error.ts'
import { redactJobData } from './redact-job-data.ts'

/** Bull Board has no limit of its own and would read any number of jobs in one Redis call. */
const maxJobsPerPage = 100

/** Bull Board, to be mounted at `/queues` behind authentication: it has none of its own. */
export function createBullBoardApp({
  intake,
  reconcile,
  handlers,
  redis,
  basePath,
}: Pick<BoardDeps, 'intake' | 'reconcile' | 'handlers' | 'redis' | 'basePath'>): Hono {
  const serverAdapter = new HonoAdapter(serveStatic)
  serverAdapter.setBasePath(`${basePath}/queues`)
  const favicon = `${basePath}/favicon.svg`
  createBullBoard({
    serverAdapter,
    queues: [intake, ...handlers, reconcile].map((queue) => {
      const adapter = new BullMQAdapter(queue)
      adapter.setFormatter('data', redactJobData)
      return adapter
    }),
    options: {
      uiConfig: {
        boardTitle: 'Warmhook',
        favIcon: { default: favicon, alternative: favicon },
        hideRedisDetails: true,
        showWorkers: false,
        sortQueues: false,
      },
    },
  })
  // Bull Board's own handler would answer 500 with the error's message.
  serverAdapter.setErrorHandler((error) => {
    throw error
  })
  const app = new Hono()
  app.use(async (c, next) => {
    const jobsPerPage = Number(c.req.query('jobsPerPage') ?? 1)
    if (!Number.isInteger(jobsPerPage) || jobsPerPage < 1 || jobsPerPage > maxJobsPerPage)
      return problem(c, 400, `jobsPerPage must be a number from 1 to ${maxJobsPerPage}`)
    // Without Redis, Bull Board would show an empty list of queues.
    if (!c.req.path.startsWith(`${basePath}/queues/static/`) && !(await redisAnswers(redis)))
      throw unreachable(['Redis'])
    return next()
  })
  for (const path of writesOfPayloads) app.all(path, refuse('Jobs are only created by webhooks and replays'))
  for (const path of removalsFromIntake)
    app.all(path, refuse('The intake queue contains the only copy of its webhooks: jobs cannot be removed from it'))
  app.route('/', serverAdapter.registerPlugin())
  return app
}

/** Bull Board only sees payloads redacted by `redactJobData`: saving them would overwrite the original. */
const writesOfPayloads = ['/api/queues/:queue/add', '/api/queues/:queue/:job/update-data']

/** Jobs removed from a handler's queue are recreated; webhooks removed from the intake are lost. */
const removalsFromIntake = ['empty', 'obliterate', 'clean/:status', ':job/clean'].map(
  (removal) => `/api/queues/${intakeQueue.name}/${removal}`,
)

function refuse(detail: string): Handler {
  return (c) => problem(c, 403, detail)
}
