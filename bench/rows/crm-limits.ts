import { setTimeout as delay } from 'node:timers/promises'
import { startContractAttio } from '@warmhook/crm/attio/fixtures/start-contract-attio'
import { textsOf, type FakeCrm, type FakeCrmOptions } from '@warmhook/crm/fixtures/describe-crm-provider'
import { limitRequests, type VendorLimit } from '@warmhook/crm/fixtures/limit-requests'
import { startContractHubspot } from '@warmhook/crm/hubspot/fixtures/start-contract-hubspot'
import { startContractPipedrive } from '@warmhook/crm/pipedrive/fixtures/start-contract-pipedrive'
import { sql } from 'kysely'
import { sendEvents } from '../load/run-load.ts'
import { endpointPath, openSite, type Site } from '../support/open-site.ts'
import { drained } from '../support/settle.ts'
import type { Service } from '../support/start-services.ts'

/** A CRM whose limit is enforced, and the least that has to be sent to it. */
export interface LimitedCrm {
  readonly what: string
  readonly limit: VendorLimit
  readonly start: (options: FakeCrmOptions) => Promise<FakeCrm>
  readonly refuse: () => Response
  readonly env: (url: string) => Readonly<Record<string, string>>
  readonly mailboxes: number
  readonly events: number
  /** Points that the final states of all contacts cost. */
  readonly minimum: number
}

export interface CrmLimitsResult {
  readonly calls: number
  /** Calls that the CRM refused, of all. */
  readonly refusedShare: number
  /** Points, relative to the least possible. */
  readonly ofMinimum: number
  /** Points taken of those that the limit allowed, while there was work. */
  readonly usedShare: number
  readonly seconds: number
}

const isCall = (method: string, path: RegExp) => (request: { readonly method: string; readonly path: string }) =>
  request.method === method && path.test(request.path) ? 1 : 0

const hubspotEnv = (url: string) => ({ CRM_PROVIDER: 'hubspot', HUBSPOT_BASE_URL: url })

/** HubSpot with its lowest limit and with a tenth of it, Pipedrive and Attio; 5 events for each mailbox. */
export const limitedCrms: readonly LimitedCrm[] = [
  {
    what: 'HubSpot, 100 calls in 10 s',
    limit: { ms: 10_000, limit: 100, costOf: () => 1 },
    start: startContractHubspot,
    refuse: () => rollingLimit(),
    env: hubspotEnv,
    mailboxes: 2_000,
    events: 10_000,
    minimum: 20,
  },
  {
    what: 'HubSpot, a tenth of it',
    limit: { ms: 10_000, limit: 10, costOf: () => 1 },
    start: (options) => startContractHubspot({ ...options, headers: { 'x-hubspot-ratelimit-max': '10' } }),
    refuse: () => rollingLimit(),
    env: hubspotEnv,
    mailboxes: 4_000,
    events: 20_000,
    minimum: 40,
  },
  {
    what: 'Pipedrive, 10 searches in 2 s',
    limit: { ms: 2_000, limit: 10, costOf: isCall('GET', /\/persons\/search/) },
    start: (options) => startContractPipedrive({ ...options, headers: { 'x-ratelimit-limit': '480' } }),
    refuse: () => Response.json({ success: false, error: 'request over limit' }, { status: 429 }),
    env: (url) => ({ CRM_PROVIDER: 'pipedrive', PIPEDRIVE_API_TOKEN: 'bench', PIPEDRIVE_BASE_URL: url }),
    mailboxes: 200,
    events: 1_000,
    minimum: 200,
  },
  {
    what: 'Attio, 25 writes in 1 s',
    limit: { ms: 1_000, limit: 25, costOf: isCall('PUT', /\/records/) },
    start: startContractAttio,
    refuse: () =>
      Response.json(
        { status_code: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', message: 'slow down' },
        { status: 429 },
      ),
    env: (url) => ({ CRM_PROVIDER: 'attio', ATTIO_API_KEY: 'bench', ATTIO_BASE_URL: url }),
    mailboxes: 2_000,
    events: 10_000,
    minimum: 2_000,
  },
]

function rollingLimit(): Response {
  return Response.json(
    { status: 'error', errorType: 'RATE_LIMIT', policyName: 'TEN_SECONDLY_ROLLING' },
    { status: 429 },
  )
}

/** Two workers write the states that changed while `crm-sync` was paused. */
export async function measureCrmLimits(
  servers: { readonly redis: Service; readonly postgres: Service },
  crm: LimitedCrm,
): Promise<CrmLimitsResult> {
  await using stack = new AsyncDisposableStack()
  const limiter = limitRequests(crm.limit, crm.refuse)
  const peer = stack.use(await crm.start({ intercept: limiter.check }))
  const site = await openSite(stack, servers)
  const queue = site.queues.find(({ name }) => name === 'crm-sync')
  if (queue === undefined) throw new TypeError('a site has a queue for crm-sync')
  const ingress = await site.start('apps/ingress/src/main.ts')
  const env = crm.env(peer.url)
  await Promise.all([site.start('apps/worker/src/main.ts', env), site.start('apps/worker/src/main.ts', env)])
  const load = { url: ingress.url, path: endpointPath, connections: 64, first: 0, mailboxes: crm.mailboxes }
  // The first answer tells the limit.
  await sendEvents({ ...load, count: 1 })
  await settled(site, 60_000)
  await queue.pause()
  const [callsBefore, acceptedBefore, refusedBefore] = [
    peer.requests.length,
    limiter.accepted.length,
    limiter.refused(),
  ]
  await sendEvents({ ...load, first: 1, count: crm.events - 1 })
  await drained(
    site.queues.filter(({ name }) => name !== 'crm-sync'),
    60_000,
  )
  await queue.resume()
  const startedAt = Date.now()
  await settled(site, 300_000)
  await checkContacts(site, peer, crm)
  const accepted = limiter.accepted.slice(acceptedBefore)
  const calls = peer.requests.length - callsBefore
  const points = accepted.reduce((sum, { cost }) => sum + cost, 0)
  return {
    calls,
    refusedShare: (limiter.refused() - refusedBefore) / calls,
    ofMinimum: points / crm.minimum,
    usedShare: usedShare(accepted, crm.limit),
    seconds: (Date.now() - startedAt) / 1_000,
  }
}

/** Until the first events are routed and nothing is owed any more: held events wait for the budget in delayed jobs. */
async function settled({ db }: Site, limitMs: number): Promise<void> {
  const end = Date.now() + limitMs
  for (;;) {
    const { rows } = await sql<{ is_done: boolean }>`
      SELECT EXISTS (SELECT FROM deliveries) AND NOT EXISTS (SELECT FROM outbox) AS is_done`.execute(db)
    if (rows[0]?.is_done === true) return
    if (Date.now() > end) throw new Error(`crm-sync did not finish within ${limitMs} ms`)
    await delay(100)
  }
}

/** Every contact shows its mailbox's last event, and the CRM's contract was kept. */
async function checkContacts({ db }: Site, peer: FakeCrm, { mailboxes }: LimitedCrm): Promise<void> {
  const rows = await db.selectFrom('mailboxes').select(['email', 'last_event_at', 'status']).execute()
  const wrong = rows.filter(({ email, last_event_at: at, status }) => {
    const contact = textsOf(peer.contact(email?.toLowerCase() ?? ''))
    return contact['mailivery_last_event_at'] !== at.toISOString() || contact['mailivery_warmup_status'] !== status
  })
  if (rows.length !== mailboxes || wrong.length > 0)
    throw new Error(`${wrong.length} of ${rows.length} contacts do not show the state of their mailbox`)
  if (peer.violations.length > 0) throw new Error(`the contract was broken: ${peer.violations[0]}`)
}

/** Of the points that were available from the first call to the last window, which need not be full. */
function usedShare(
  accepted: readonly { readonly at: number; readonly cost: number }[],
  { ms, limit }: VendorLimit,
): number {
  const first = accepted[0]?.at ?? 0
  const end = (accepted.at(-1)?.at ?? 0) - ms / 2
  const counted = accepted.filter(({ at }) => at <= end)
  const last = counted.at(-1)?.at
  if (last === undefined || last - first < ms) return Number.NaN
  const next = accepted[counted.length]?.at ?? last
  return counted.reduce((sum, { cost }) => sum + cost, 0) / (limit * ((next - first) / ms))
}
