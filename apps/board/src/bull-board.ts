import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { HonoAdapter } from '@bull-board/hono'
import { serveStatic } from '@hono/node-server/serve-static'
import { intakeQueue } from '@warmhook/queue/catalog'
import type { Queue } from 'bullmq'
import { Hono, type Handler } from 'hono'
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
    options: { uiConfig: { boardTitle: 'Warmhook', hideRedisDetails: true, showWorkers: false, sortQueues: false } },
  })
  const app = new Hono()
  app.use(async (c, next) => {
    if (Number(c.req.query('jobsPerPage') ?? 0) > maxJobsPerPage)
      return problem(c, 400, `jobsPerPage may be ${maxJobsPerPage} at most`)
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
