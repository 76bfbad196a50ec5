import { eventually } from '@warmhook/testing/eventually'
import { startFakeHubspot } from '@warmhook/testing/start-fake-hubspot'
import { describe, expect, it } from 'vitest'
import { startInstallation, type Installation } from './support/start-installation.ts'

interface EventDetail {
  readonly id: string
  readonly status: string
  readonly deliveries: readonly { readonly handler: string; readonly status: string; readonly attempts: number }[]
}

const crmEnv = (crm: { readonly url: string }) => ({ HUBSPOT_ACCESS_TOKEN: 'pat-test', HUBSPOT_BASE_URL: crm.url })

/**
 * Concurrently sends one event for each of `count` mailboxes, starting with mailbox `first`, and returns the event ids.
 */
async function sendAtOnce(warmhook: Installation, count: number, first = 0): Promise<string[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) => first + index).map((id) =>
      warmhook.send(
        JSON.stringify({ type: 'campaign.updated', account: { campaign_id: id, email: `m${id}@b.example` } }),
      ),
    ),
  )
  return Promise.all(answers.map(async (answer) => ((await answer.json()) as { id: string }).id))
}

async function detailsOf(warmhook: Installation, ids: readonly string[]): Promise<EventDetail[]> {
  return Promise.all(ids.map((id) => warmhook.api<EventDetail>(`/api/events/${id}`)))
}

describe.concurrent('a worker killed in the middle of a batch', () => {
  it('leaves no event unprocessed and processes none twice', { timeout: 90_000 }, async () => {
    const gate = Promise.withResolvers<void>()
    await using crm = await startFakeHubspot(async (_inputs, _request, write) => {
      await gate.promise
      return write()
    })
    await using warmhook = await startInstallation(crmEnv(crm))
    const ids = await sendAtOnce(warmhook, 30)
    await eventually(() => crm.requests.length > 0)
    warmhook.worker.kill('SIGKILL')
    await warmhook.worker.exited
    gate.resolve()
    await warmhook.startWorker()
    expect(await warmhook.settled(30)).toMatchObject({ processed: 30, dead: 0, balanced: true })
    for (const { status, deliveries } of await detailsOf(warmhook, ids)) {
      expect(status).toBe('processed')
      expect(deliveries.map(({ handler, status: outcome }) => `${handler} ${outcome}`).toSorted()).toEqual([
        'crm-sync done',
        'pause-tracking done',
      ])
    }
  })

  it('can be killed at any time, repeatedly', { timeout: 120_000 }, async () => {
    await using crm = await startFakeHubspot()
    await using warmhook = await startInstallation(crmEnv(crm))
    const ids: string[] = []
    for (let worker = warmhook.worker, kills = 0; kills < 3; kills += 1) {
      // Each round has work that only this worker can have started.
      const seen = crm.requests.length
      ids.push(...(await sendAtOnce(warmhook, 100, kills * 100)))
      await eventually(() => crm.requests.length > seen, { timeoutMs: 20_000 })
      worker.kill('SIGKILL')
      await worker.exited
      worker = await warmhook.startWorker()
    }
    expect(await warmhook.settled(300)).toMatchObject({ processed: 300, dead: 0, balanced: true })
    const details = await detailsOf(warmhook, ids)
    expect(details.every(({ deliveries }) => deliveries.length === 2)).toBe(true)
  })
})
