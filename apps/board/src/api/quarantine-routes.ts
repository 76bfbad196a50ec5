import { z, type OpenAPIHono } from '@hono/zod-openapi'
import { listQuarantine, listQuarantineGroups } from '@warmhook/store/quarantine/list-quarantine'
import { replayQuarantine } from '../replay-quarantine.ts'
import type { ReadDeps } from '../board-deps.ts'
import { doing, reading } from './describe-route.ts'
import { onlyThese, PageQuery, SearchText } from './inputs.ts'
import { pageOf, QuarantineGroups, QuarantineItem, QuarantineReplayRequest, ReplayResult } from './schemas.ts'

const QuarantineQuery = onlyThese({
  ...PageQuery,
  limit: PageQuery.limit.removeDefault().optional(),
  issue: SearchText.optional(),
}).refine(({ issue, cursor }) => issue !== undefined || cursor === undefined, 'cursor: only valid together with issue')
const Answer = z.union([QuarantineGroups, pageOf(QuarantineItem)])

/** Adds these routes to the API. */
export function addQuarantineRoutes(api: OpenAPIHono, { db, intake }: ReadDeps): void {
  api.openapi(
    reading(
      '/quarantine',
      'List quarantined webhooks: grouped by issue, or the items of one issue',
      QuarantineQuery,
      Answer,
    ),
    async (c) => {
      const { issue, limit, cursor } = c.req.valid('query')
      if (issue === undefined) return c.json({ groups: await listQuarantineGroups(db, limit ?? 200) }, 200)
      return c.json(await listQuarantine(db, issue, { limit: limit ?? 50, cursor }), 200)
    },
  )
  api.openapi(
    doing('/quarantine/replay', 'Replay quarantined webhooks', QuarantineReplayRequest, ReplayResult),
    async (c) => {
      const { filter, dryRun } = c.req.valid('json')
      return c.json(await replayQuarantine({ filter, dryRun }, { db, intake }), 200)
    },
  )
}
