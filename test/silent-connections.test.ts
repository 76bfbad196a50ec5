import { eventually } from '@warmhook/testing/eventually'
import type { Direction } from '@warmhook/testing/start-tcp-proxy'
import { describe, expect, it } from 'vitest'
import { openSite } from './support/open-site.ts'
import type { Installation } from './support/start-installation.ts'

const silences: readonly (readonly [string, readonly Direction[]])[] = [
  ['both directions fall silent', ['command', 'answer']],
  ['requests are lost', ['command']],
  ['responses are lost', ['answer']],
]
/** The time limit from the fault to full recovery. */
const recovery = { timeoutMs: 45_000, intervalMs: 200 }

async function send(warmhook: Installation, campaignId: number): Promise<number> {
  const body = JSON.stringify({ type: 'campaign.created', account: { campaign_id: campaignId, email: 'a@b.example' } })
  return (await warmhook.send(body)).status
}

describe.each(['redis', 'postgres'] as const)('an installation with silent connections to %s', (what) => {
  it.concurrent.each(silences)('recovers by itself when %s', { timeout: 120_000 }, async (_name, directions) => {
    await using site = await openSite()
    const { warmhook } = site
    expect(await send(warmhook, 1)).toBe(202)
    await warmhook.settled(1)
    site[what].silence(...directions)
    let accepted = 1
    let refused = 0
    await eventually(async () => {
      accepted += 1
      // Accepted during the fault too: the ingress spools what Redis does not accept.
      if ((await send(warmhook, accepted)) !== 202) refused += 1
      const ledger = await warmhook.api<{ accepted: number; processed: number }>('/api/ledger')
      expect(ledger.processed).toBeGreaterThan(1)
    }, recovery)
    expect(refused).toBe(0)
    expect(await warmhook.settled(accepted)).toMatchObject({ processed: accepted, balanced: true })
  })
})
