import { z, type OpenAPIHono } from '@hono/zod-openapi'
import { listEvents } from '@warmhook/store/events/list-events'
import { readEvent } from '@warmhook/store/events/read-event'
import { HTTPException } from 'hono/http-exception'
import { replayEvents } from '../replay-events.ts'
import type { ReadDeps } from '../board-deps.ts'
import { doing, reading, readingOne } from './describe-route.ts'
import {
  EventDetail,
  EventFilter,
  EventItem,
  PageQuery,
  pageOf,
  ReplayRequest,
  ReplayResult,
  SearchText,
} from './schemas.ts'

const EventQuery = PageQuery.extend({
  ...EventFilter.omit({ eventIds: true, campaignId: true }).shape,
  campaignId: z.coerce.number().int().nonnegative().optional(),
  q: SearchText.max(200).optional(),
})

/** Adds its routes to the API. */
export function addEventRoutes(api: OpenAPIHono, { db, handlers }: ReadDeps): void {
  api.openapi(reading('/events', 'Events, the latest first', EventQuery, pageOf(EventItem)), async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    return c.json(await listEvents(db, filter, { limit, cursor }), 200)
  })
  api.openapi(
    readingOne('/events/{id}', 'One event with its body and deliveries', z.object({ id: z.uuid() }), EventDetail),
    async (c) => {
      const event = await readEvent(db, c.req.valid('param').id)
      if (event === undefined) throw new HTTPException(404, { message: 'No such event' })
      return c.json(event, 200)
    },
  )
  api.openapi(doing('/replays', 'Give events to handlers again', ReplayRequest, ReplayResult), async (c) => {
    const { filter, handler, dryRun } = c.req.valid('json')
    if (handler !== undefined && !handlers.some((queue) => queue.name === handler)) {
      throw new HTTPException(400, {
        message: `No handler is called ${handler}; there are ${handlers.map(({ name }) => name).join(', ')}`,
      })
    }
    return c.json(await replayEvents({ filter, handler, dryRun }, { db, handlers }), 200)
  })
}
