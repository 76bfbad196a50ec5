import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startInstallation } from './support/start-installation.ts'

type Installation = Awaited<ReturnType<typeof startInstallation>>

/** Sends five webhooks, the third of which kills workers that preload the fixture, and waits until they are settled. */
async function poison(stack: AsyncDisposableStack, fixture: string) {
  const file = join(import.meta.dirname, '../packages/testing/src/fixtures', fixture)
  const site = stack.use(await startInstallation({ WORKER_LOCK_MS: '1000', NODE_OPTIONS: `--import ${file}` }))
  const stop = new AbortController()
  stack.defer(() => stop.abort())
  const supervisor = restartWorkers(site, stop.signal)
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
  return { site, ledger, poisonId: ids[2] ?? '' }
}

/** Restarts workers like a container supervisor, at most thirty times. */
async function restartWorkers(site: Installation, stop: AbortSignal): Promise<void> {
  for (let worker = site.worker, restarts = 0; !stop.aborted && restarts < 30; restarts += 1) {
    await Promise.race([worker.exited, stopped(stop)])
    if (!stop.aborted) worker = await site.startWorker()
  }
}

function stopped(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true })
  })
}

describe('an event that kills its worker', { timeout: 180_000 }, () => {
  it('becomes a dead letter with the cause, and the rest of its batch is processed', async () => {
    await using stack = new AsyncDisposableStack()
    const { site, ledger, poisonId } = await poison(stack, 'die-of-poison.ts')
    expect(ledger).toMatchObject({ accepted: 5, processed: 4, dead: 1, balanced: true })
    const { deliveries } = await site.api<{ readonly deliveries: readonly unknown[] }>(`/api/events/${poisonId}`)
    expect(deliveries).toMatchObject([
      { handler: 'pause-tracking', status: 'dead', note: 'the process that handled it ended with SIGKILL, twice' },
    ])
  })

  it('is quarantined if parsing it kills the worker, and the rest of its batch is processed', async () => {
    await using stack = new AsyncDisposableStack()
    const { site, ledger, poisonId } = await poison(stack, 'die-of-reading.ts')
    expect(ledger).toMatchObject({ accepted: 5, processed: 4, quarantined: 1, dead: 0, balanced: true })
    const { groups } = await site.api<{ readonly groups: readonly unknown[] }>('/api/quarantine')
    expect(groups).toMatchObject([{ issue: 'kills its process', count: 1, sampleId: poisonId }])
  })
})
