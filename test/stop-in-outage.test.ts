import { eventually } from '@warmhook/testing/eventually'
import { describe, expect, it } from 'vitest'
import { openSite } from './support/open-site.ts'

describe('the processes of an installation', { timeout: 120_000 }, () => {
  it.concurrent.each(['redis', 'postgres'] as const)('exit 0 on SIGTERM while %s is unreachable', async (what) => {
    await using site = await openSite()
    const { warmhook } = site
    await warmhook.send(JSON.stringify({ type: 'campaign.created', account: { campaign_id: 1, email: 'a@b.example' } }))
    await warmhook.settled(1)
    site[what].refuses = true
    site[what].resetAll()
    await eventually(async () => expect((await fetch(`${warmhook.workerUrl}/readyz`)).status).toBe(503), {
      timeoutMs: 30_000,
      intervalMs: 200,
    })
    const processes = [warmhook.worker, warmhook.ingress, warmhook.board]
    for (const app of processes) app.kill('SIGTERM')
    // A process that exceeds its stop deadline exits with 1.
    expect(await Promise.all(processes.map((app) => app.exited))).toEqual(
      processes.map(() => ({ code: 0, signal: null })),
    )
  })
})
