import { z, type OpenAPIHono } from '@hono/zod-openapi'
import { compareContacts } from '@warmhook/crm/accounts/compare-contacts'
import type { OwnerCrm } from '@warmhook/crm/accounts/crm-settings'
import { propertiesOf } from '@warmhook/crm/mapping/mapping'
import { crmProviders } from '@warmhook/crm/providers'
import { doubtContacts } from '@warmhook/store/crm-sync/doubt-contacts'
import { HTTPException } from 'hono/http-exception'
import type { ReadDeps } from '../board-deps.ts'
import { createCrmFinder, type OpenCrm } from '../crm/open-crm.ts'
import { crmHandler } from '../crm/read-crm-owners.ts'
import { replayEvents } from '../replay-events.ts'
import { doingTo, doingToWith } from './describe-route.ts'
import { onlyThese, SearchText } from './inputs.ts'
import { CrmComparison, CrmPlan } from './schemas.ts'

const OwnerParams = z.object({ owner: SearchText })
/** `after` is the `next` of the previous page. */
const CompareRequest = onlyThese({ after: z.int().nonnegative().default(0), dryRun: z.boolean().default(true) })
const callsMs = 25_000

/** Adds the routes that call a CRM for a person: what it lacks, creating that, and comparing contacts. */
export function addCrmSetupRoutes(api: OpenAPIHono, deps: ReadDeps): void {
  const find = createCrmFinder(deps)
  api.openapi(
    doingTo('/crm/{owner}/plan', 'Show which properties a CRM account lacks', OwnerParams, CrmPlan),
    async (c) => c.json(await readPlan(find(c.req.valid('param').owner)), 200),
  )
  api.openapi(
    doingTo('/crm/{owner}/apply', 'Create the properties that a CRM account lacks', OwnerParams, CrmPlan),
    async (c) => {
      const open = find(c.req.valid('param').owner)
      const plan = await open.provider.planProperties(propertiesOf(open.crm.mapping), limit())
      await open.provider.createProperties(plan.missing, limit())
      return c.json(await readPlan(open), 200)
    },
  )
  api.openapi(
    doingToWith(
      '/crm/{owner}/comparison',
      'Compare a page of contacts with their mailboxes, and queue repairs unless it is a dry run',
      OwnerParams,
      CompareRequest,
      CrmComparison,
    ),
    async (c) => {
      const { owner } = c.req.valid('param')
      const { after, dryRun } = c.req.valid('json')
      const { crm, provider } = find(owner)
      if (provider.readMax === 0)
        throw new HTTPException(400, { message: `${labelOf(crm)} can't be read: there is nothing to compare with` })
      const { isShared } = deps.crm
      const { checked, differences, next } = await compareContacts(owner, after, {
        db: deps.db,
        crm,
        provider,
        isShared,
        signal: limit(),
      })
      const emails = differences.map(({ email }) => email)
      if (!dryRun && emails.length > 0) {
        await doubtContacts(deps.db, crm.account.id, emails)
        const filter = { eventIds: differences.map(({ lastEventId }) => lastEventId) }
        await replayEvents({ filter, handler: crmHandler, dryRun: false }, deps)
      }
      return c.json({ checked, differences, next: next ?? null, queued: dryRun ? 0 : emails.length }, 200)
    },
  )
}

async function readPlan({ crm, provider }: OpenCrm) {
  const { missing, conflicts } = await provider.planProperties(propertiesOf(crm.mapping), limit())
  return { provider: crm.account.provider, properties: crm.mapping.properties.length, missing, conflicts }
}

function labelOf({ account }: OwnerCrm): string {
  return crmProviders[account.provider].label
}

function limit(): AbortSignal {
  return AbortSignal.timeout(callsMs)
}
