import { randomUUID } from 'node:crypto'
import { Secret } from '@warmhook/config/secret'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { recordBatch } from '@warmhook/store/events/record-batch'
import { createLogger } from '@warmhook/telemetry/logger'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { startHttpPeer, type HttpPeer } from '@warmhook/testing/start-http-peer'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HandleEvents } from '../handler.ts'
import { pauseTracking } from '../pause-tracking/handler.ts'
import { notify } from './handler.ts'

const never = new AbortController().signal
const deps = () => ({ db: store.db, log: createLogger('test', 'silent'), now: Date.now })

let store: TestStore
let envelope: ReturnType<typeof createEnvelopes>
beforeEach(async () => {
  store = await openTestStore('postgres')
  envelope = createEnvelopes()
})
afterEach(() => store[Symbol.asyncDispose]())

function createHandle(slack: HttpPeer): HandleEvents {
  const handle = notify.create({ SLACK_WEBHOOK_URL: new Secret(`${slack.url}/services/T0/B0/secret`) }, deps())
  if (handle === undefined) throw new Error('a URL switches it on')
  return handle
}

async function arrive(...bodies: object[]): Promise<MailboxEvent[]> {
  const routed = bodies.map((body) => toRouted(envelope(body)))
  await recordBatch(store.db, { id: randomUUID(), isReplay: false, events: routed, refused: [], dedupeWindowMs: 0 })
  return routed.map(({ event }) => event)
}

async function trackPauses(events: readonly MailboxEvent[]): Promise<void> {
  await pauseTracking.create({}, deps())?.(events, never)
}

function messages(slack: HttpPeer): string[] {
  return slack.requests.flatMap(({ body }) => (JSON.parse(body) as { text: string }).text.split('\n'))
}

const problem = (id = 1) => ({
  type: 'campaign.connection.problematic',
  reason: 'Smtp <Error>',
  account: { id, email: `m${id}@b.example` },
})
const updated = (id = 1) => ({ type: 'campaign.updated', account: { id, email: `m${id}@b.example` } })

describe('notify', () => {
  it('is off without a URL', () => {
    expect(notify.create({ SLACK_WEBHOOK_URL: undefined }, deps())).toBeUndefined()
  })

  it('tells of a pause that opens and closes, each once, before or after pause tracking', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    const handle = createHandle(slack)
    const opening = await arrive(problem())
    await handle(opening, never)
    await trackPauses(opening)
    await handle(opening, never)
    const closing = await arrive(updated())
    await trackPauses(closing)
    await handle(closing, never)
    await handle(closing, never)
    expect(messages(slack)).toEqual([
      ':double_vertical_bar: *m1@b.example* (acme) is paused: Smtp &lt;Error&gt;',
      ':arrow_forward: *m1@b.example* (acme) works again after less than a minute (Smtp &lt;Error&gt;)',
    ])
  })

  it('says everything of a batch in one message, and not more than fits', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    await createHandle(slack)(await arrive(...Array.from({ length: 25 }, (_, index) => problem(index))), never)
    expect(slack.requests).toHaveLength(1)
    expect(messages(slack)).toHaveLength(21)
    expect(messages(slack).at(-1)).toBe('… and 5 more')
  })

  it('tries again when Slack is busy, and sends once', async () => {
    let calls = 0
    await using slack = await startHttpPeer(() =>
      ++calls === 1 ? new Response('slow down', { status: 429, headers: { 'retry-after': '3' } }) : new Response('ok'),
    )
    const events = await arrive(problem())
    const handle = createHandle(slack)
    const [first] = (await handle(events, never)).values()
    expect(first).toMatchObject({ status: 'retry', reason: 'Slack answered 429: slow down' })
    expect([...(await handle(events, never)).values()]).toMatchObject([{ status: 'done' }])
    expect(calls).toBe(2)
  })

  it('gives up on a URL that is revoked, without showing it', async () => {
    await using slack = await startHttpPeer(() => new Response('no_service', { status: 404 }))
    const outcomes = [...(await createHandle(slack)(await arrive(problem()), never)).values()]
    expect(outcomes).toEqual([{ status: 'discard', reason: 'Slack answered 404: no_service' }])
  })

  it('keeps quiet about what happened long ago', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    envelope = createEnvelopes(Date.now() - 48 * 3_600_000)
    await createHandle(slack)(await arrive(problem()), never)
    expect(slack.requests).toHaveLength(0)
  })

  it('does not repeat itself when a late event shifts the beginning of a pause', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    const [early, known] = await arrive({ ...problem(), reason: 'other' }, problem())
    if (early === undefined || known === undefined) throw new Error('two events were recorded')
    const handle = createHandle(slack)
    await handle([known], never)
    await handle([early], never)
    expect(messages(slack)).toHaveLength(1)
  })

  it('announces each pause once for any order, repetition and cut of the events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), fc.gen(), async (kinds, gen) => {
        await using slack = await startHttpPeer(() => new Response('ok'))
        const handle = createHandle(slack)
        const events = await arrive(...kinds.map((isProblem) => (isProblem ? problem() : updated())))
        const shuffled = gen(fc.shuffledSubarray, events, { minLength: events.length, maxLength: events.length })
        const size = gen(fc.integer, { min: 1, max: events.length })
        for (let start = 0; start < shuffled.length; start += size) {
          const batch = shuffled.slice(start, start + size)
          if (gen(fc.boolean)) await trackPauses(batch)
          await handle(batch, never)
          await handle(batch, never)
        }
        const told = messages(slack).filter((line) => line.includes('is paused'))
        const pauses = kinds.filter((isProblem, index) => isProblem && kinds[index - 1] !== true).length
        // Seen in pieces, one pause can look like more before the rest arrives, but never like fewer at the end.
        expect(told.length).toBeGreaterThanOrEqual(Math.min(pauses, 1))
        expect(told.length).toBeLessThanOrEqual(kinds.filter(Boolean).length)
        for (const table of ['events', 'mailboxes', 'pauses', 'notices'] as const)
          await store.db.deleteFrom(table).execute()
      }),
      { numRuns: 40 },
    )
  })
})
