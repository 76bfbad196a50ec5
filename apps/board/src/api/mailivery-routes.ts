import { z, type OpenAPIHono } from '@hono/zod-openapi'
import type { MailiveryClient } from '@warmhook/mailivery/create-mailivery-client'
import { openMailiveryClients } from '@warmhook/mailivery/open-mailivery-clients'
import { listWarmupStarts } from '@warmhook/store/warmup-starts/list-warmup-starts'
import { HTTPException } from 'hono/http-exception'
import type { ReadDeps } from '../board-deps.ts'
import { doingTo, reading } from './describe-route.ts'
import { MailboxParams, onlyThese, PageQuery, SearchText } from './inputs.ts'
import { MailiveryAccess, WarmupDecision, WarmupStart } from './mailivery-schemas.ts'
import { pageOf } from './schemas.ts'

const Accesses = z.object({ items: z.array(MailiveryAccess).readonly(), nextCursor: z.null() })
const WarmupQuery = onlyThese({
  ...PageQuery,
  owner: SearchText.optional(),
  decision: WarmupDecision.optional(),
})
const Reconnect = z.object({ reconnectUrl: z.string().nullable() })

/** Adds these routes to the API. */
export function addMailiveryRoutes(api: OpenAPIHono, deps: ReadDeps): void {
  const clients = openMailiveryClients(deps.mailivery, deps)
  api.openapi(
    reading('/mailivery', "List the owners with access to Mailivery's API", onlyThese({}), Accesses),
    async (c) => {
      const items = await Promise.all(
        [...clients].map(async ([owner, client]) => ({ owner, recheck: toShown(await client.readRecheckBudget()) })),
      )
      return c.json({ items, nextCursor: null }, 200)
    },
  )
  api.openapi(
    reading('/warmup-starts', 'List decisions about pending campaigns', WarmupQuery, pageOf(WarmupStart)),
    async (c) => {
      const { limit, cursor, ...filter } = c.req.valid('query')
      return c.json(await listWarmupStarts(deps.db, filter, { limit, cursor }), 200)
    },
  )
  api.openapi(
    doingTo(
      '/mailboxes/{owner}/{campaignId}/reconnect',
      'Ask Mailivery for the link with which a person reconnects a Microsoft mailbox',
      MailboxParams,
      Reconnect,
    ),
    async (c) => {
      const { owner, campaignId } = c.req.valid('param')
      const client = clients.get(owner)
      if (client === undefined)
        throw new HTTPException(404, { message: `${owner} has no API key of Mailivery: set MAILIVERY_API_KEY` })
      const answer = await client.requestReconnect(campaignId)
      if (answer.status !== 'ok') throw new HTTPException(503, { message: answer.reason })
      return c.json({ reconnectUrl: answer.value }, 200)
    },
  )
}

type RecheckBudget = Awaited<ReturnType<MailiveryClient['readRecheckBudget']>>

function toShown({ limit, remaining, resetsAt }: RecheckBudget) {
  return { limit, remaining, resetsAt: new Date(resetsAt).toISOString() }
}
