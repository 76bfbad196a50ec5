import type { OpenAPIHono } from '@hono/zod-openapi'
import { readStats } from '@warmhook/store/ledger/read-stats'
import { readFullLedger } from '@warmhook/ledger/read-full-ledger'
import type { ReadDeps } from '../board-deps.ts'
import { reading } from './describe-route.ts'
import { onlyThese } from './inputs.ts'
import { Ledger, Stats } from './schemas.ts'

/** Adds these routes to the API. */
export function addOverviewRoutes(api: OpenAPIHono, { db, intake, now }: ReadDeps): void {
  api.openapi(
    reading('/ledger', 'Get the ledger: the state of every accepted webhook', onlyThese({}), Ledger),
    async (c) => c.json(await readFullLedger(intake, db), 200),
  )
  api.openapi(reading('/stats', 'Get statistics', onlyThese({}), Stats), async (c) =>
    c.json(await readStats(db, now()), 200),
  )
}
