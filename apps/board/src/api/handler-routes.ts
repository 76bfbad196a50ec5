import { z, type OpenAPIHono } from '@hono/zod-openapi'
import type { Queue } from 'bullmq'
import { HTTPException } from 'hono/http-exception'
import type { ReadDeps } from '../board-deps.ts'
import { readHandlerStatuses, type HandlerStatus as Status } from '../read-handler-statuses.ts'
import { doingTo, reading } from './describe-route.ts'
import { onlyThese } from './inputs.ts'
import { HandlerStatus } from './schemas.ts'

const Answer = z.object({ items: z.array(HandlerStatus).readonly(), nextCursor: z.null() })
const Params = z.object({ name: z.string() })

/** Adds these routes to the API. */
export function addHandlerRoutes(api: OpenAPIHono, deps: ReadDeps): void {
  const { handlers } = deps
  api.openapi(reading('/handlers', 'List handlers and their queues', onlyThese({}), Answer), async (c) => {
    return c.json({ items: await readHandlerStatuses(handlers, deps), nextCursor: null }, 200)
  })
  const switchQueue = async (name: string, change: (queue: Queue) => Promise<void>): Promise<Status> => {
    const queue = handlers.find((candidate) => candidate.name === name)
    if (queue === undefined) throw new HTTPException(404, { message: `Unknown handler ${name}` })
    await change(queue)
    const [status] = await readHandlerStatuses([queue], deps)
    if (status === undefined) throw new RangeError('every queue has a status')
    return status
  }
  api.openapi(doingTo('/handlers/{name}/pause', 'Pause a handler; its events wait', Params, HandlerStatus), async (c) =>
    c.json(await switchQueue(c.req.valid('param').name, (queue) => queue.pause()), 200),
  )
  api.openapi(doingTo('/handlers/{name}/resume', 'Resume a handler', Params, HandlerStatus), async (c) =>
    c.json(await switchQueue(c.req.valid('param').name, (queue) => queue.resume()), 200),
  )
}
