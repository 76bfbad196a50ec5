import { readFullLedger } from '@warmhook/ledger/read-full-ledger'
import { readStats } from '@warmhook/store/ledger/read-stats'
import { listIncidents } from '@warmhook/store/incidents/list-incidents'
import { listEvents } from '@warmhook/store/events/list-events'
import { listPauses } from '@warmhook/store/pauses/list-pauses'
import { Hono } from 'hono'
import type { ReadDeps } from '../board-deps.ts'
import { readHandlerStatuses } from '../read-handler-statuses.ts'
import { readCrmOwners } from '../crm/read-crm-owners.ts'
import { resumeAccount } from '../crm/resume-account.ts'
import { favicon } from './favicon.ts'
import { overview, type Overview } from './overview.ts'
import { page } from './page.ts'
import { refreshScript } from './refresh-script.ts'
import { stylesheet } from './stylesheet.ts'

/** The page at `/`, its assets, and the fragment that the script refreshes. */
export function createDashboard(deps: ReadDeps): Hono {
  const app = new Hono()
  app.get('/', async (c) => c.html(page(await readOverview(deps))))
  app.get('/overview', async (c) => c.html(overview(await readOverview(deps))))
  app.post('/crm/:owner/resume', async (c) => {
    await resumeAccount(c.req.param('owner'), deps)
    return c.redirect(`${deps.basePath}/`, 303)
  })
  for (const [path, type, content] of [
    ['/style.css', 'text/css; charset=utf-8', stylesheet],
    ['/refresh.js', 'text/javascript; charset=utf-8', refreshScript],
    ['/favicon.svg', 'image/svg+xml', favicon],
    // Browsers request it when they show a response that is not HTML.
    ['/favicon.ico', 'image/svg+xml', favicon],
  ] as const)
    app.get(path, (c) => c.body(content, 200, { 'content-type': type }))
  return app
}

async function readOverview(deps: ReadDeps): Promise<Overview> {
  const { db, intake, handlers, now, basePath } = deps
  const [stats, ledger, pauses, incidents, events, [intakeStatus, ...statuses], crm] = await Promise.all([
    readStats(db, now()),
    readFullLedger(intake, db),
    listPauses(db, { state: 'open' }, { limit: 20, cursor: undefined }, now()),
    listIncidents(db, { state: 'open' }, { limit: 20, cursor: undefined }, now()),
    listEvents(db, {}, { limit: 15, cursor: undefined }),
    readHandlerStatuses([intake, ...handlers], deps),
    readCrmOwners(deps),
  ])
  return {
    stats,
    ledger,
    pauses: pauses.items,
    incidents: incidents.items,
    events: events.items,
    intakeWorkers: intakeStatus?.workers ?? 0,
    handlers: statuses,
    crm,
    now: now(),
    basePath,
  }
}
