import { OpenAPIHono } from '@hono/zod-openapi'
import type { ReadDeps } from '../board-deps.ts'
import { problem } from '../problem.ts'
import { addEventRoutes } from './event-routes.ts'
import { addHandlerRoutes } from './handler-routes.ts'
import { addMailboxRoutes } from './mailbox-routes.ts'
import { addOverviewRoutes } from './overview-routes.ts'
import { addQuarantineRoutes } from './quarantine-routes.ts'

/** The JSON API with its own description at `/openapi.json`. */
export function createApi(deps: ReadDeps): OpenAPIHono {
  const api = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return undefined
      const errors = result.error.issues.map(({ path, message }) => ({ path: path.map(String), message }))
      return problem(c, 400, 'The request does not fit; errors says where', { errors })
    },
  })
  addMailboxRoutes(api, deps)
  addEventRoutes(api, deps)
  addQuarantineRoutes(api, deps)
  addHandlerRoutes(api, deps)
  addOverviewRoutes(api, deps)
  api.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Warmhook',
      version: '0.1.0',
      description: 'Mailboxes, pauses, events and what has become of them.',
    },
    servers: [{ url: '/api' }],
  })
  return api
}
