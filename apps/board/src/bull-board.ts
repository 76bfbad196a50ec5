import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { HonoAdapter } from '@bull-board/hono'
import { serveStatic } from '@hono/node-server/serve-static'
import type { Queue } from 'bullmq'
import { Hono } from 'hono'
import { problem } from './problem.ts'
import { redactJobData } from './redact-job-data.ts'

const basePath = '/queues'
/** Bull Board itself would answer with any number of jobs, in one long call to Redis. */
const maxJobsPerPage = 100

/** Bull Board over these queues, to be mounted at `/queues` behind a password: it asks for none. */
export function createBullBoardApp(queues: readonly Queue[]): Hono {
  const serverAdapter = new HonoAdapter(serveStatic)
  serverAdapter.setBasePath(basePath)
  createBullBoard({
    serverAdapter,
    queues: queues.map((queue) => {
      const adapter = new BullMQAdapter(queue)
      adapter.setFormatter('data', redactJobData)
      return adapter
    }),
    options: { uiConfig: { boardTitle: 'Warmhook', hideRedisDetails: true, sortQueues: false } },
  })
  const app = new Hono()
  app.use(async (c, next) => {
    if (Number(c.req.query('jobsPerPage') ?? 0) > maxJobsPerPage)
      return problem(c, 400, `jobsPerPage may be ${maxJobsPerPage} at most`)
    if (/\/api\/queues\/[^/]+\/add$/.test(c.req.path))
      return problem(c, 403, 'Jobs are made by webhooks and replays only')
    return next()
  })
  app.route('/', serverAdapter.registerPlugin())
  return app
}
