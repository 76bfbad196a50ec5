import { spawnApp } from '@warmhook/testing/spawn-app'
import { eventually } from '@warmhook/testing/eventually'
import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { describe, expect, it } from 'vitest'
import { startInstallation } from './support/start-installation.ts'

const problemOf = (id: number) =>
  JSON.stringify({ type: 'campaign.connection.problematic', reason: 'x', account: { id, email: `m${id}@b.example` } })

describe('a Slack that accepts one message per second', () => {
  it('receives 58 pauses in a few messages from two workers, and refuses very few', { timeout: 90_000 }, async () => {
    let [last, refused] = [Number.NEGATIVE_INFINITY, 0]
    const told: string[] = []
    await using slack = await startHttpPeer(({ body }) => {
      const now = performance.now()
      if (now - last < 1_000) {
        refused += 1
        return new Response('', { status: 429, headers: { 'retry-after': '1' } })
      }
      last = now
      told.push((JSON.parse(body) as { text: string }).text)
      return new Response('ok')
    })
    await using site = await startInstallation({ SLACK_WEBHOOK_URL: `${slack.url}/services/x` })
    await site.startWorker()
    for (let id = 1; id <= 58; id += 1) await site.send(problemOf(id))
    await site.settled(58)
    const lines = told.join('\n').split('\n')
    const shown = lines.filter((line) => line.includes('been paused')).length
    const more = lines.flatMap((line) => /^… and (\d+) more$/.exec(line)?.[1] ?? []).map(Number)
    expect(shown + more.reduce((sum, count) => sum + count, 0)).toBe(58)
    expect(refused).toBeLessThanOrEqual(6)
    expect(told.length).toBeLessThan(20)
  })
})

describe('accounts that refuse everything', () => {
  it(
    'hold their events without using up attempts, with one log line each and a finding of the doctor',
    { timeout: 90_000 },
    async () => {
      await using slack = await startHttpPeer(() => new Response('no_service', { status: 404 }))
      await using crm = await startHttpPeer(() =>
        Response.json({ category: 'PROPERTY_DOESNT_EXIST', message: 'no' }, { status: 400 }),
      )
      await using site = await startInstallation({
        SLACK_WEBHOOK_URL: `${slack.url}/services/x`,
        HUBSPOT_ACCESS_TOKEN: 'pat-x',
        HUBSPOT_BASE_URL: `${crm.url}/`,
      })
      for (let id = 1; id <= 20; id += 1) await site.send(problemOf(id))
      await eventually(
        async () => {
          const { items } = await site.api<{ items: { id: string; status: string }[] }>('/api/events?limit=50')
          expect(items.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'failing'))
          const details = await site.api<{ deliveries: { handler: string; attempts: number; status: string }[] }>(
            `/api/events/${items[0]?.id}`,
          )
          const held = details.deliveries.filter(({ status }) => status === 'failing')
          expect(held.map(({ handler }) => handler).toSorted()).toEqual(['crm-sync', 'notify'])
        },
        { timeoutMs: 20_000, intervalMs: 250 },
      )
      // Concurrent calls may have started before the first was refused.
      expect(crm.requests.length).toBeLessThanOrEqual(8)
      expect(slack.requests).toHaveLength(1)
      const hints = site.worker.output().match(/peer refuses: its events are held/g)
      expect(hints).toHaveLength(2)
      await using doctor = await spawnApp('apps/cli/src/main.ts', site.env, { args: ['doctor', '--json'] })
      await doctor.exited
      const findings = JSON.parse(doctor.output()) as { check: string; level: string; message: string }[]
      const peers = findings.filter(({ check }) => check === 'peers').map(({ message }) => message)
      expect(peers.toSorted()).toEqual([
        expect.stringMatching(/hubspot is misconfigured: it has refused .*warmhook crm apply/),
        expect.stringMatching(/slack is misconfigured: it has refused .*check SLACK_WEBHOOK_URL/),
      ])
    },
  )
})
