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

/** Bull Board itself would answer with any number of jobs, in one long call to Redis. */
const maxJobsPerPage = 100

/** Bull Board, to be mounted at `/queues` behind a password: it asks for none. */
export function createBullBoardApp({
  intake,
  handlers,
  redis,
  basePath,
}: Pick<BoardDeps, 'intake' | 'handlers' | 'redis' | 'basePath'>): Hono {
  const serverAdapter = new HonoAdapter(serveStatic)
  serverAdapter.setBasePath(`${basePath}/queues`)
  const favicon = `${basePath}/favicon.svg`
  createBullBoard({
    serverAdapter,
    queues: [intake, ...handlers].map((queue) => {
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
  // Its own would answer 500 with the message of whatever went wrong.
  serverAdapter.setErrorHandler((error) => {
    throw error
  })
  const app = new Hono()
  app.use(async (c, next) => {
    const jobsPerPage = Number(c.req.query('jobsPerPage') ?? 1)
    if (!Number.isInteger(jobsPerPage) || jobsPerPage < 1 || jobsPerPage > maxJobsPerPage)
      return problem(c, 400, `jobsPerPage must be a number from 1 to ${maxJobsPerPage}`)
    // Without Redis it would show a page that says there are no queues.
    if (!c.req.path.startsWith(`${basePath}/queues/static/`) && !(await redisAnswers(redis)))
      throw unreachable(['Redis'])
    return next()
  })
  for (const path of writesOfPayloads) app.all(path, refuse('Jobs are made by webhooks and replays only'))
  for (const path of removalsFromIntake)
    app.all(path, refuse('The intake queue holds the only copy of its webhooks: nothing is removed from it by hand'))
  app.route('/', serverAdapter.registerPlugin())
  return app
}

/** Bull Board knows payloads as `redactJobData` shows them: what its editor saved would take the place of the whole. */
const writesOfPayloads = ['/api/queues/:queue/add', '/api/queues/:queue/:job/update-data']

/** What a handler's queue loses can be replayed; what this one loses is gone, and missing from the ledger too. */
const removalsFromIntake = ['empty', 'obliterate', 'clean/:status', ':job/clean'].map(
  (removal) => `/api/queues/${intakeQueue.name}/${removal}`,
)

function refuse(detail: string): Handler {
  return (c) => problem(c, 403, detail)
}
