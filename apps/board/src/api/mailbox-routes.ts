import { z, type OpenAPIHono } from '@hono/zod-openapi'
import { MailboxStatus } from '@warmhook/schema/mailbox-event'
import { listEvents } from '@warmhook/store/events/list-events'
import { listIncidents } from '@warmhook/store/incidents/list-incidents'
import { listMailboxes } from '@warmhook/store/mailboxes/list-mailboxes'
import { listPauses } from '@warmhook/store/pauses/list-pauses'
import { HTTPException } from 'hono/http-exception'
import type { ReadDeps } from '../board-deps.ts'
import { reading, readingOne } from './describe-route.ts'
import { MailboxParams, onlyThese, PageQuery, SearchText, Time } from './inputs.ts'
import { Incident, Mailbox, MailboxDetail, pageOf, Pause } from './schemas.ts'

const MailboxQuery = onlyThese({
  ...PageQuery,
  status: MailboxStatus.optional(),
  owner: SearchText.optional(),
  tag: SearchText.optional(),
  q: SearchText.max(200).optional(),
})
const PauseQuery = onlyThese({
  ...PageQuery,
  state: z.enum(['open', 'closed']).optional(),
  owner: SearchText.optional(),
  since: Time.optional(),
  until: Time.optional(),
})
const IncidentQuery = onlyThese({
  ...PageQuery,
  state: z.enum(['open', 'closed']).optional(),
  owner: SearchText.optional(),
})
/** Enough to show a mailbox's recent history; the lists contain the rest. */
const detailPage = { limit: 50, cursor: undefined }

/** Adds these routes to the API. */
export function addMailboxRoutes(api: OpenAPIHono, { db, now }: ReadDeps): void {
  api.openapi(reading('/mailboxes', 'List mailboxes, latest event first', MailboxQuery, pageOf(Mailbox)), async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    return c.json(await listMailboxes(db, filter, { limit, cursor }), 200)
  })
  api.openapi(
    readingOne(
      '/mailboxes/{owner}/{campaignId}',
      'Get a mailbox with its pauses and latest events',
      MailboxParams,
      MailboxDetail,
    ),
    async (c) => {
      const key = c.req.valid('param')
      const [mailbox] = (await listMailboxes(db, key, { limit: 1, cursor: undefined })).items
      if (mailbox === undefined) throw new HTTPException(404, { message: 'Unknown mailbox' })
      const [pauses, events] = await Promise.all([
        listPauses(db, key, detailPage, now()),
        listEvents(db, key, detailPage),
      ])
      return c.json({ ...mailbox, pauses: pauses.items, events: events.items }, 200)
    },
  )
  api.openapi(
    reading('/incidents', 'List incidents of the last 30 days, latest first', IncidentQuery, pageOf(Incident)),
    async (c) => {
      const { limit, cursor, ...filter } = c.req.valid('query')
      return c.json(await listIncidents(db, filter, { limit, cursor }, now()), 200)
    },
  )
  api.openapi(reading('/pauses', 'List pauses, latest first', PauseQuery, pageOf(Pause)), async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    return c.json(await listPauses(db, filter, { limit, cursor }, now()), 200)
  })
}
