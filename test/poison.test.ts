import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startInstallation } from './support/start-installation.ts'

interface Deliveries {
  readonly deliveries: readonly { readonly handler: string; readonly status: string; readonly error: string | null }[]
}

describe('an event that kills its worker', () => {
  it(
    'ends alone as a dead letter that says so, and the others of its batch are done',
    { timeout: 180_000 },
    async () => {
      const poisoned = `--import ${join(import.meta.dirname, '../packages/testing/src/fixtures/die-of-poison.ts')}`
      await using site = await startInstallation({
        WORKER_LOCK_MS: '1000',
        NODE_OPTIONS: poisoned,
      })
      const stop = new AbortController()
      const supervisor = (async () => {
        for (let worker = site.worker, restarts = 0; !stop.signal.aborted && restarts < 30; restarts += 1) {
          await Promise.race([worker.exited, stopped(stop.signal)])
          if (!stop.signal.aborted) worker = await site.startWorker()
        }
      })()
      const emails = ['a@b.example', 'c@d.example', 'poison@e.example', 'f@g.example', 'h@i.example']
      const answers = await Promise.all(
        emails.map((email, id) =>
          site.send(JSON.stringify({ type: 'campaign.updated', account: { campaign_id: id, email } })),
        ),
      )
      const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as { id: string }).id))
      const ledger = await site.settled(emails.length)
      stop.abort()
      await supervisor
      expect(ledger).toMatchObject({ accepted: 5, processed: 4, dead: 1, balanced: true })
      const { deliveries } = await site.api<Deliveries>(`/api/events/${ids[2]}`)
      expect(deliveries).toMatchObject([
        { handler: 'pause-tracking', status: 'dead', error: 'the process that handled it ended with SIGKILL' },
      ])
    },
  )
})

function stopped(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true })
  })
}
