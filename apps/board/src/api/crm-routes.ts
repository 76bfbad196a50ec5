import type { OwnerState } from '@warmhook/crm/accounts/read-account-states'
import { z, type OpenAPIHono } from '@hono/zod-openapi'
import { listUnsyncedContacts } from '@warmhook/store/crm-accounts/list-unsynced-contacts'
import { HTTPException } from 'hono/http-exception'
import type { ReadDeps } from '../board-deps.ts'
import { crmHandler, readCrmOwners } from '../crm/read-crm-owners.ts'
import { resumeAccount } from '../crm/resume-account.ts'
import { doingTo, reading } from './describe-route.ts'
import { onlyThese, PageQuery, SearchText } from './inputs.ts'
import { CrmOwner, pageOf, UnsyncedContact } from './schemas.ts'

const Owners = z.object({ items: z.array(CrmOwner).readonly(), nextCursor: z.null() })
const OwnerParams = z.object({ owner: SearchText })
const ContactQuery = onlyThese({ ...PageQuery, owner: SearchText.optional() })

/** Adds these routes to the API. */
export function addCrmRoutes(api: OpenAPIHono, deps: ReadDeps): void {
  api.openapi(reading('/crm', "List the owners' CRM accounts", onlyThese({}), Owners), async (c) =>
    c.json({ items: await readCrmOwners(deps), nextCursor: null }, 200),
  )
  api.openapi(
    reading(
      '/crm/contacts',
      'List contacts that are not in sync, latest event first',
      ContactQuery,
      pageOf(UnsyncedContact),
    ),
    async (c) => {
      const { limit, cursor, ...filter } = c.req.valid('query')
      return c.json(await listUnsyncedContacts(deps.db, crmHandler, filter, { limit, cursor }), 200)
    },
  )
  api.openapi(
    doingTo('/crm/{owner}/resume', 'Try a repaired CRM account at once', OwnerParams, CrmOwner),
    async (c) => {
      const { owner } = c.req.valid('param')
      if (!(await resumeAccount(owner, deps))) throw noAccountOf(owner)
      return c.json(await readCrmOwner(owner, deps), 200)
    },
  )
}

async function readCrmOwner(owner: string, deps: ReadDeps): Promise<OwnerState> {
  const found = (await readCrmOwners(deps)).find((each) => each.owner === owner)
  if (found === undefined) throw noAccountOf(owner)
  return found
}

function noAccountOf(owner: string): HTTPException {
  return new HTTPException(404, { message: `${owner} has no CRM account` })
}
