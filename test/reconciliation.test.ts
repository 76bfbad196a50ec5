import { fakeCampaign } from '@warmhook/mailivery/fixtures/fake-campaign'
import { startFakeMailivery } from '@warmhook/mailivery/fixtures/start-fake-mailivery'
import { eventually } from '@warmhook/testing/eventually'
import { spawnApp } from '@warmhook/testing/spawn-app'
import { expect, it } from 'vitest'
import { startInstallation } from './support/start-installation.ts'

interface Pause {
  readonly campaignId: number
  readonly openedBy: string
  readonly closedBy: string | null
  readonly presumed: boolean
}
interface Items<Item> {
  readonly items: readonly Item[]
}

const webhook = (type: string, id: number): string =>
  JSON.stringify({ type, reason: 'Smtp Connection Error', account: { id, email: `m${id}@example.com` } })

it(
  'an installation with an API key corrects what webhooks missed, and reads presumed recoveries back',
  { timeout: 120_000 },
  async () => {
    await using mailivery = await startFakeMailivery()
    const [silent, edited, unknown] = [1, 2, 3] as const
    mailivery.campaigns.set(silent, fakeCampaign(silent, { statusCode: 'paused' }))
    mailivery.campaigns.set(edited, fakeCampaign(edited, { statusCode: 'paused' }))
    await using warmhook = await startInstallation({
      MAILIVERY_API_KEY: mailivery.settings.apiKey,
      MAILIVERY_BASE_URL: mailivery.baseUrl,
      RECONCILE_INTERVAL_MS: '3600000',
    })
    const pauses = async (): Promise<readonly Pause[]> => (await warmhook.api<Items<Pause>>('/api/pauses')).items
    const pauseOf = async (id: number) => (await pauses()).find(({ campaignId }) => campaignId === id)
    for (const id of [silent, edited]) await warmhook.send(webhook('campaign.connection.problematic', id))
    await eventually(async () => expect(await pauses()).toHaveLength(2), { timeoutMs: 15_000 })

    // Any edit makes Mailivery send an update.
    await warmhook.send(webhook('campaign.updated', edited))
    const readBacks = () => mailivery.calls.filter(({ path }) => path === `/campaigns/${edited}`)
    await eventually(() => expect(readBacks()).toHaveLength(1), { timeoutMs: 15_000 })
    await eventually(async () => expect(await pauseOf(edited)).toMatchObject({ closedBy: null }), { timeoutMs: 15_000 })

    // An SMTP mailbox recovers without a webhook, and the webhooks of another one are lost.
    mailivery.campaigns.set(silent, fakeCampaign(silent, { statusCode: 'active' }))
    mailivery.campaigns.set(unknown, fakeCampaign(unknown, { statusCode: 'paused' }))
    await using cli = await spawnApp(
      'apps/cli/src/main.ts',
      { WARMHOOK_URL: warmhook.boardUrl, BOARD_USER: 'admin', BOARD_PASSWORD: warmhook.env['BOARD_PASSWORD'] ?? '' },
      { args: ['reconcile'] },
    )
    expect([(await cli.exited).code, cli.output()]).toEqual([
      0,
      expect.stringContaining('default: 3 campaigns read, 1 closed, 1 added'),
    ])
    await eventually(
      async () => {
        expect(await pauseOf(silent)).toMatchObject({ closedBy: 'reconcile', presumed: false })
        expect(await pauseOf(unknown)).toMatchObject({ openedBy: 'reconcile', closedBy: null })
      },
      { timeoutMs: 15_000 },
    )
    expect(await warmhook.api('/api/mailboxes/default/1')).toMatchObject({ status: 'active', statusCode: 'active' })
    expect(await warmhook.metrics()).toMatch(/^warmhook_repairs\{kind="closed",.*\} 1$/m)
    // Corrections count as accepted, like webhooks.
    const { accepted } = await warmhook.api<{ accepted: number }>('/api/ledger')
    expect(await warmhook.settled(accepted)).toMatchObject({ balanced: true, missing: 0, quarantined: 0, dead: 0 })
    const { items } = await warmhook.api<Items<{ id: string }>>('/api/events?type=mailbox.reconciled')
    expect(items).toHaveLength(3)
    expect(items).toMatchObject([{ source: 'reconcile' }, { source: 'reconcile' }, { source: 'reconcile' }])
    await using doctor = await spawnApp('apps/cli/src/main.ts', warmhook.env, { args: ['doctor'] })
    expect([(await doctor.exited).code, doctor.output()]).toEqual([
      0,
      expect.stringMatching(/reconcile: 0 jobs waiting.* 1 worker$[^]*default: 3 campaigns read at .*, 2 repairs$/m),
    ])
    const answer = await fetch(`${warmhook.ingressUrl}/webhooks/reconcile/${warmhook.env['WARMHOOK_ENDPOINT_KEY']}`, {
      method: 'POST',
      body: '{}',
    })
    expect(answer.status).toBe(404)
  },
)
