import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startContractHubspot } from '@warmhook/crm/hubspot/fixtures/start-contract-hubspot'
import { startContractPipedrive } from '@warmhook/crm/pipedrive/fixtures/start-contract-pipedrive'
import { eventually } from '@warmhook/testing/eventually'
import { spawnApp, type SpawnedApp } from '@warmhook/testing/spawn-app'
import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { afterEach, describe, expect, it } from 'vitest'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

const keyOf = (owner: string) => `${owner}-key-of-at-least-22-characters`
const password = 'a-password-of-the-test'

interface Installation {
  readonly app: SpawnedApp
  readonly send: (owner: string, id: number, type?: string) => Promise<void>
  readonly api: <Answer>(path: string, method?: string) => Promise<Answer>
  readonly cli: (...args: string[]) => Promise<{ readonly code: number | null; readonly output: string }>
}

/** `npm start` with two owners. */
async function start(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Promise<Installation> {
  const directory = await mkdtemp(join(tmpdir(), 'warmhook-crm-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  const own = { DATA_DIR: join(directory, 'data'), BOARD_PASSWORD: password, INGRESS_PORT: '0', BOARD_PORT: '0' }
  const all = { ...own, ENDPOINTS_FILE: join(directory, 'endpoints.yml'), ...env }
  const app = stack.use(await spawnApp('apps/standalone/src/main.ts', all, { readyLine: /Ctrl-C/, timeoutMs: 60_000 }))
  const [, boardUrl = ''] = await app.waitForLine(/Dashboard\s+(http:\S+)/)
  const [, ingressUrl = ''] = await app.waitForLine(/acme\s+(http:\/\/[^/]+)\//)
  const headers = { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` }
  return {
    app,
    async send(owner, id, type = 'campaign.created') {
      const body = JSON.stringify({ type, reason: 'x', account: { id, email: `m${id}@${owner}.example` } })
      const response = await fetch(`${ingressUrl}/webhooks/mailivery/${keyOf(owner)}`, { method: 'POST', body })
      expect(response.status).toBe(202)
    },
    async api<Answer>(path: string, method = 'GET') {
      const response = await fetch(new URL(path, boardUrl), {
        method,
        headers: { ...headers, origin: new URL(boardUrl).origin },
      })
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as Answer
    },
    async cli(...args) {
      await using cli = await spawnApp(
        'apps/cli/src/main.ts',
        { DATA_DIR: own.DATA_DIR, BOARD_PASSWORD: password },
        { args },
      )
      const { code } = await cli.exited
      return { code, output: cli.output() }
    },
  }
}

const endpoints = (crmOf: Readonly<Record<string, string>>) =>
  [
    'endpoints:',
    ...['acme', 'beta'].map((owner) => `  - { owner: ${owner}, keys: [${keyOf(owner)}]${crmOf[owner] ?? ''} }`),
  ].join('\n')

interface Owner {
  readonly owner: string
  readonly state: string
  readonly waiting: number
  readonly synced: number
}

const statesOf = async ({ api }: Installation) => {
  const { items } = await api<{ items: readonly Owner[] }>('/api/crm')
  return Object.fromEntries(items.map(({ owner, state, waiting, synced }) => [owner, { state, waiting, synced }]))
}

describe('CRM accounts', () => {
  it(
    'of which one is revoked: it holds its events, tells once, others go on, and resuming finishes the work',
    { timeout: 120_000 },
    async () => {
      let isRevoked = false
      const hubspot = stack.use(
        await startContractHubspot({
          intercept: () =>
            isRevoked
              ? Response.json({ category: 'EXPIRED_AUTHENTICATION', message: 'no' }, { status: 401 })
              : undefined,
        }),
      )
      const pipedrive = stack.use(await startContractPipedrive())
      const slack = stack.use(await startHttpPeer(() => new Response('ok')))
      const crmOf = {
        acme: ', crm: { provider: hubspot, tokenFile: acme.token }',
        beta: `, crm: { provider: pipedrive, tokenFile: beta.token, baseUrl: "${pipedrive.url}" }`,
      }
      const files = { 'endpoints.yml': endpoints(crmOf), 'acme.token': 'pat-acme', 'beta.token': 'token-beta' }
      const env = { HUBSPOT_BASE_URL: hubspot.url, SLACK_WEBHOOK_URL: `${slack.url}/services/x` }
      const site = await start(files, env)

      await Promise.all([site.send('acme', 1), site.send('beta', 1)])
      await eventually(() => {
        expect(hubspot.contact('m1@acme.example')).toMatchObject({ mailivery_warmup_status: 'active' })
        expect(pipedrive.contact('m1@beta.example')).toMatchObject({ mailivery_warmup_status: 'active' })
      })
      isRevoked = true
      const before = hubspot.requests.length
      await site.send('acme', 2)
      await eventually(async () =>
        expect((await statesOf(site))['acme']).toMatchObject({ state: 'unauthorised', waiting: 1 }),
      )
      for (let id = 3; id <= 12; id += 1) await Promise.all([site.send('acme', id), site.send('beta', id)])
      // Eleven searches, of which Pipedrive allows ten in two seconds.
      await eventually(() => expect(pipedrive.count()).toBe(11), { timeoutMs: 30_000 })
      await eventually(async () => expect((await statesOf(site))['acme']).toMatchObject({ waiting: 11 }))
      expect(hubspot.requests.length - before).toBeLessThanOrEqual(2)
      const refusals = slack.requests.filter(({ body }) => body.includes('unauthorised'))
      expect(refusals.map(({ body }) => body)).toEqual([
        expect.stringMatching(/HubSpot account of acme is unauthorised/),
      ])

      isRevoked = false
      await site.api('/api/crm/acme/resume', 'POST')
      await eventually(() => expect(hubspot.count()).toBe(12), { timeoutMs: 20_000 })
      await eventually(async () =>
        expect(await statesOf(site)).toEqual({
          acme: { state: 'ok', waiting: 0, synced: 12 },
          beta: { state: 'ok', waiting: 0, synced: 11 },
        }),
      )
      expect([...hubspot.violations, ...pipedrive.violations]).toEqual([])
    },
  )

  it(
    'of a portal without properties: nothing dies, and the command that is printed heals it',
    { timeout: 120_000 },
    async () => {
      const hubspot = stack.use(await startContractHubspot({ hasProperties: false }))
      const files = { 'endpoints.yml': endpoints({}) }
      const site = await start(files, { HUBSPOT_ACCESS_TOKEN: 'pat-x', HUBSPOT_BASE_URL: hubspot.url })
      await site.app.waitForLine(/HubSpot lacks contact properties. Run: npx warmhook crm apply/)
      for (let id = 1; id <= 5; id += 1) await site.send('acme', id)
      await eventually(async () =>
        expect((await statesOf(site))['acme']).toMatchObject({ state: 'misconfigured', waiting: 5 }),
      )

      const plan = await site.cli('crm', 'plan', '--owner', 'acme')
      expect(plan.code).toBe(1)
      expect(plan.output).toMatch(
        /hubspot lacks 7 of 7 properties:[\s\S]*\+ mailivery_tags[\s\S]*npx warmhook crm apply/,
      )
      expect(await site.cli('crm', 'plan')).toMatchObject({
        code: 1,
        output: expect.stringContaining('--owner (acme, beta)'),
      })
      expect(await site.cli('crm', 'apply', '--owner', 'acme')).toMatchObject({
        code: 1,
        output: expect.stringContaining('--yes'),
      })
      const apply = await site.cli('crm', 'apply', '--owner', 'acme', '--yes')
      expect(apply).toMatchObject({ code: 0, output: expect.stringContaining('hubspot has all 7 properties') })
      await eventually(() => expect(hubspot.count()).toBe(5), { timeoutMs: 20_000 })

      Object.assign(hubspot.contact('m3@acme.example') ?? {}, { mailivery_warmup_status: 'removed' })
      const dry = await site.cli('crm', 'sync', '--owner', 'acme', '--dry-run', '--json')
      const lines = dry.output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object)
      expect(lines).toMatchObject([{ email: 'm3@acme.example' }, { checked: 5, different: 1, queued: 0 }])
      expect(await site.cli('crm', 'sync', '--owner', 'acme')).toMatchObject({
        code: 0,
        output: expect.stringContaining('1 repairs queued'),
      })
      await eventually(
        () => expect(hubspot.contact('m3@acme.example')).toMatchObject({ mailivery_warmup_status: 'active' }),
        { timeoutMs: 20_000 },
      )
      expect(await site.cli('crm', 'sync', '--owner', 'acme', '--dry-run')).toMatchObject({ code: 0 })
      expect(hubspot.violations).toEqual([])
    },
  )
})

it('`crm sync` waits while the account’s budget is used up, and then goes on', { timeout: 60_000 }, async () => {
  let isBusy = true
  const board = stack.use(
    await startHttpPeer(() => {
      const detail = 'the budget is used up'
      const answer = isBusy
        ? Response.json({ title: 'Bad Gateway', status: 502, detail, waitMs: 100 }, { status: 502 })
        : Response.json({ checked: 2, differences: [], next: null, queued: 0 })
      isBusy = false
      return answer
    }),
  )
  const env = { WARMHOOK_URL: board.url, BOARD_PASSWORD: password }
  await using cli = await spawnApp('apps/cli/src/main.ts', env, { args: ['crm', 'sync', '--owner', 'acme'] })
  expect(await cli.exited).toMatchObject({ code: 0 })
  expect(cli.output()).toContain('2 mailboxes checked')
  expect(board.requests).toHaveLength(2)
})
