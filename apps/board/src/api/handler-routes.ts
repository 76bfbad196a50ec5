import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { Queue } from 'bullmq'
import { HTTPException } from 'hono/http-exception'
import { readHandlerStatus } from '../handler-status.ts'
import type { ReadDeps } from '../board-deps.ts'
import { reading } from './describe-route.ts'
import { HandlerStatus } from './schemas.ts'

const Answer = z.object({ items: z.array(HandlerStatus).readonly(), nextCursor: z.null() })

/** Adds its routes to the API. */
export function addHandlerRoutes(api: OpenAPIHono, { handlers, now }: ReadDeps): void {
  api.openapi(reading('/handlers', 'The handlers and their queues', z.object({}), Answer), async (c) => {
    const items = await Promise.all(handlers.map((queue) => readHandlerStatus(queue, now())))
    return c.json({ items, nextCursor: null }, 200)
  })
  const find = (name: string): Queue => {
    const queue = handlers.find((candidate) => candidate.name === name)
    if (queue === undefined) throw new HTTPException(404, { message: `No handler is called ${name}` })
    return queue
  }
  api.openapi(switching('pause', 'Stop a handler; it keeps what comes for later'), async (c) => {
    const queue = find(c.req.valid('param').name)
    await queue.pause()
    return c.json(await readHandlerStatus(queue, now()), 200)
  })
  api.openapi(switching('resume', 'Let a handler go on'), async (c) => {
    const queue = find(c.req.valid('param').name)
    await queue.resume()
    return c.json(await readHandlerStatus(queue, now()), 200)
  })
}

function switching<const Verb extends 'pause' | 'resume'>(verb: Verb, summary: string) {
  const content = { 'application/json': { schema: HandlerStatus } }
  return createRoute({
    method: 'post',
    path: `/handlers/{name}/${verb}` as const,
    summary,
    request: { params: z.object({ name: z.string() }) },
    responses: { 200: { description: summary, content } },
  })
}
