import { z, type OpenAPIHono } from '@hono/zod-openapi'
import { listEvents } from '@warmhook/store/events/list-events'
import { readEvent } from '@warmhook/store/events/read-event'
import { readQuarantined } from '@warmhook/store/quarantine/list-quarantine'
import { readRetentionState, type RetentionState } from '@warmhook/store/retention/retention-state'
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
export function addEventRoutes(api: OpenAPIHono, { db, handlers, now }: ReadDeps): void {
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
      if (found === undefined)
        throw new HTTPException(404, { message: whyAbsent(id, await readRetentionState(db), now()) })
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

/** The first 48 bits of a UUIDv7 are the time of the event. */
function whyAbsent(id: string, { keptDays }: RetentionState, now: number): string {
  const receivedAt = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
  return keptDays !== null && now - receivedAt > keptDays * dayMs
    ? `No event with this id: events are removed after ${keptDays} days (RETENTION_DAYS)`
    : 'No event with this id; an event accepted a moment ago may not have been recorded yet'
}

const dayMs = 24 * 3_600_000
