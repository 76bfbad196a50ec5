import { z, type OpenAPIHono } from '@hono/zod-openapi'
import { listEvents } from '@warmhook/store/events/list-events'
import { readEvent } from '@warmhook/store/events/read-event'
import { readQuarantined } from '@warmhook/store/quarantine/list-quarantine'
import { HTTPException } from 'hono/http-exception'
import { replayEvents } from '../replay-events.ts'
import type { ReadDeps } from '../board-deps.ts'
import { doing, reading, readingOne } from './describe-route.ts'
import { onlyThese, PageQuery, SearchText, wholeNumber } from './inputs.ts'
import {
  eventCriteria,
  EventDetail,
  EventItem,
  pageOf,
  QuarantineItem,
  ReplayRequest,
  ReplayResult,
} from './schemas.ts'

const EventQuery = onlyThese({
  ...PageQuery,
  ...eventCriteria,
  campaignId: wholeNumber(z.int()).optional(),
  q: SearchText.max(200).optional(),
})
const EventParams = z.object({ id: z.uuid() })
const EventAnswer = z.union([EventDetail, QuarantineItem])

/** Adds these routes to the API. */
export function addEventRoutes(api: OpenAPIHono, { db, handlers }: ReadDeps): void {
  api.openapi(reading('/events', 'List events, latest first', EventQuery, pageOf(EventItem)), async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    return c.json(await listEvents(db, filter, { limit, cursor }), 200)
  })
  api.openapi(
    readingOne(
      '/events/{id}',
      'Get an event with its body and deliveries, or a quarantine item',
      EventParams,
      EventAnswer,
    ),
    async (c) => {
      const { id } = c.req.valid('param')
      const found = (await readEvent(db, id)) ?? (await readQuarantined(db, id))
      if (found === undefined) throw new HTTPException(404, { message: notRecorded })
      return c.json(found, 200)
    },
  )
  api.openapi(doing('/replays', 'Replay events', ReplayRequest, ReplayResult), async (c) => {
    const { filter, handler, dryRun } = c.req.valid('json')
    if (handler !== undefined && !handlers.some((queue) => queue.name === handler)) {
      throw new HTTPException(400, {
        message: `Unknown handler ${handler}; known handlers: ${handlers.map(({ name }) => name).join(', ')}`,
      })
    }
    return c.json(await replayEvents({ filter, handler, dryRun }, { db, handlers }), 200)
  })
}

const notRecorded = 'No event with this id; an event accepted a moment ago may not have been recorded yet'
