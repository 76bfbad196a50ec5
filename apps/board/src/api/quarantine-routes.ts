import { z, type OpenAPIHono } from '@hono/zod-openapi'
import { listQuarantine, listQuarantineGroups } from '@warmhook/store/quarantine/list-quarantine'
import { replayQuarantine } from '../replay-quarantine.ts'
import type { ReadDeps } from '../board-deps.ts'
import { doing, reading } from './describe-route.ts'
import {
  PageQuery,
  pageOf,
  QuarantineGroups,
  QuarantineItem,
  QuarantineReplayRequest,
  ReplayResult,
  SearchText,
} from './schemas.ts'

const QuarantineQuery = PageQuery.extend({ issue: SearchText.optional() })
const Answer = z.union([QuarantineGroups, pageOf(QuarantineItem)])

/** Adds its routes to the API. */
export function addQuarantineRoutes(api: OpenAPIHono, { db, intake }: ReadDeps): void {
  api.openapi(
    reading('/quarantine', 'What nobody could read: by issue, or the items of one issue', QuarantineQuery, Answer),
    async (c) => {
      const { issue, limit, cursor } = c.req.valid('query')
      if (issue === undefined) return c.json({ groups: await listQuarantineGroups(db) }, 200)
      return c.json(await listQuarantine(db, issue, { limit, cursor }), 200)
    },
  )
  api.openapi(
    doing('/quarantine/replay', 'Try to read quarantined envelopes again', QuarantineReplayRequest, ReplayResult),
    async (c) => {
      const { filter, dryRun } = c.req.valid('json')
      return c.json(await replayQuarantine({ filter, dryRun }, { db, intake }), 200)
    },
  )
}
