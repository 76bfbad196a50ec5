import { readStats } from '@warmhook/store/ledger/read-stats'
import { listEvents } from '@warmhook/store/events/list-events'
import { listPauses } from '@warmhook/store/pauses/list-pauses'
import { Hono } from 'hono'
import type { ReadDeps } from '../board-deps.ts'
import { readHandlerStatus } from '../handler-status.ts'
import { readFullLedger } from '@warmhook/ledger/read-full-ledger'
import { overview, page, type Overview } from './page.ts'
import { refreshScript } from './refresh-script.ts'
import { stylesheet } from './stylesheet.ts'

/** The page at `/`, its stylesheet and script, and the part that the script renews. */
export function createDashboard(deps: ReadDeps): Hono {
  const app = new Hono()
  app.get('/', async (c) => c.html(page(await readOverview(deps))))
  app.get('/overview', async (c) => c.html(overview(await readOverview(deps))))
  app.get('/style.css', (c) => c.body(stylesheet, 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.get('/refresh.js', (c) => c.body(refreshScript, 200, { 'content-type': 'text/javascript; charset=utf-8' }))
  return app
}

async function readOverview({ db, intake, handlers, now }: ReadDeps): Promise<Overview> {
  const [stats, ledger, pauses, events, statuses] = await Promise.all([
    readStats(db),
    readFullLedger(intake, db),
    listPauses(db, { state: 'open' }, { limit: 20, cursor: undefined }, now()),
    listEvents(db, {}, { limit: 15, cursor: undefined }),
    Promise.all(handlers.map((queue) => readHandlerStatus(queue, now()))),
  ])
  return { stats, ledger, pauses: pauses.items, events: events.items, handlers: statuses, now: now() }
}
