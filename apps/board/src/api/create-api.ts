import { OpenAPIHono } from '@hono/zod-openapi'
import type { ReadDeps } from '../board-deps.ts'
import { problem } from '../http/problem.ts'
import { addCrmRoutes } from './crm-routes.ts'
import { addCrmSetupRoutes } from './crm-setup-routes.ts'
import { describeIssues } from './describe-issues.ts'
import { addEventRoutes } from './event-routes.ts'
import { addHandlerRoutes } from './handler-routes.ts'
import { addMailiveryRoutes } from './mailivery-routes.ts'
import { addMailboxRoutes } from './mailbox-routes.ts'
import { addOverviewRoutes } from './overview-routes.ts'
import { addReconciliationRoutes } from './reconciliation-routes.ts'
import { addQuarantineRoutes } from './quarantine-routes.ts'

/** The JSON API, including its OpenAPI document at `/openapi.json`. */
export function createApi(deps: ReadDeps): OpenAPIHono {
  const api = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return undefined
      const errors = describeIssues(result.error.issues)
      return problem(c, 400, `Invalid request: ${errors.map(({ message }) => message).join('; ')}`, { errors })
    },
  })
  addMailboxRoutes(api, deps)
  addEventRoutes(api, deps)
  addQuarantineRoutes(api, deps)
  addHandlerRoutes(api, deps)
  addCrmRoutes(api, deps)
  addCrmSetupRoutes(api, deps)
  addReconciliationRoutes(api, deps)
  addMailiveryRoutes(api, deps)
  addOverviewRoutes(api, deps)
  api.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Warmhook',
      version: '0.1.0',
      description: 'Mailboxes, pauses, events and their processing.',
    },
    servers: [{ url: `${deps.basePath}/api` }],
  })
  return api
}
