import { z, type OpenAPIHono } from '@hono/zod-openapi'
import { listRuns } from '@warmhook/store/reconciliations/list-runs'
import { HTTPException } from 'hono/http-exception'
import type { ReadDeps } from '../board-deps.ts'
import { beginReconciliations } from '../begin-reconciliations.ts'
import { doing, reading } from './describe-route.ts'
import { onlyThese, PageQuery, SearchText } from './inputs.ts'
import { Reconciliation } from './mailivery-schemas.ts'
import { pageOf } from './schemas.ts'

const Query = onlyThese({ ...PageQuery, id: z.uuid().optional(), owner: SearchText.optional() })
const Command = z.strictObject({
  owner: SearchText.optional(),
  dryRun: z.boolean().default(false),
  /** A person says that mailboxes that are missing from the list were deleted, however many they are. */
  acceptVanished: z.boolean().default(false),
})
const Begun = z.object({ items: z.array(Reconciliation).readonly() })

/** Adds these routes to the API. */
export function addReconciliationRoutes(api: OpenAPIHono, deps: ReadDeps): void {
  api.openapi(
    reading('/reconciliations', 'List reconciliations, latest first', Query, pageOf(Reconciliation)),
    async (c) => {
      const { limit, cursor, ...filter } = c.req.valid('query')
      return c.json(await listRuns(deps.db, filter, { limit, cursor }), 200)
    },
  )
  api.openapi(
    doing('/reconciliations', "Begin to read the owners' campaigns and to correct the record", Command, Begun),
    async (c) => {
      const { owner, ...how } = c.req.valid('json')
      const owners = [...deps.mailivery.keys()].filter((each) => owner === undefined || each === owner)
      if (owners.length === 0) throw new HTTPException(404, { message: noKey(owner) })
      return c.json({ items: await beginReconciliations(owners, how, deps) }, 200)
    },
  )
}

function noKey(owner: string | undefined): string {
  const whose = owner === undefined ? 'No owner has' : `${owner} has no`
  return `${whose} API key of Mailivery: set MAILIVERY_API_KEY, or mailivery in ENDPOINTS_FILE`
}
