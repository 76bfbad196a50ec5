import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { attioUnderTest } from '@warmhook/crm/attio/fixtures/start-contract-attio'
import { textsOf, type FakeCrm, type ProviderUnderTest } from '@warmhook/crm/fixtures/describe-crm-provider'
import { hubspotUnderTest } from '@warmhook/crm/hubspot/fixtures/start-contract-hubspot'
import { httpUnderTest } from '@warmhook/crm/http/fixtures/start-signed-receiver'
import { pipedriveUnderTest } from '@warmhook/crm/pipedrive/fixtures/start-contract-pipedrive'
import { emptyTimeline, foldTimeline } from '@warmhook/schema/fold-timeline'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { recordBatch } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { handlerDeps } from '../fixtures/handler-deps.ts'
import { crmSync } from './handler.ts'

const never = new AbortController().signal
const mailboxes = 3

const providers: readonly (ProviderUnderTest & { readonly env: (url: string) => NodeJS.ProcessEnv })[] = [
  { ...hubspotUnderTest, env: (url) => ({ HUBSPOT_ACCESS_TOKEN: token, HUBSPOT_BASE_URL: url }) },
  { ...pipedriveUnderTest, env: (url) => ({ PIPEDRIVE_API_TOKEN: token, PIPEDRIVE_BASE_URL: url }) },
  { ...attioUnderTest, env: (url) => ({ ATTIO_API_KEY: token, ATTIO_BASE_URL: url }) },
  { ...httpUnderTest, env: (url) => ({ CRM_HTTP_URL: url, CRM_HTTP_SECRET: token }) },
]
const token = 'token-of-the-test'

const types = {
  problem: 'campaign.connection.problematic',
  update: 'campaign.updated',
  delete: 'campaign.deleted',
} as const

let store: TestStore
beforeEach(async () => {
  store = await openTestStore('postgres')
})
afterEach(() => store[Symbol.asyncDispose]())

async function arrive(history: readonly (readonly [number, keyof typeof types])[]): Promise<readonly MailboxEvent[]> {
  const envelope = createEnvelopes(1_700_000_000_000)
  const routed = history.map(([id, kind]) =>
    toRouted(envelope({ type: types[kind], reason: 'x', account: { id, email: `m${id}@b.example` } })),
  )
  await recordBatch(store.db, { id: randomUUID(), isReplay: false, events: routed, refused: [], dedupeWindowMs: 0 })
  return routed.map(({ event }) => event)
}

/** Answers one call in three badly: refused, unavailable, or with the connection closed after the work is done. */
async function startFaulty(tested: ProviderUnderTest, faults: readonly number[]): Promise<FakeCrm> {
  const fault = faults[Symbol.iterator]()
  let losesAnswer = false
  return tested.startFake({
    intercept() {
      const kind = fault.next().value ?? 0
      losesAnswer = kind === 3
      if (kind === 1) return tested.faults.limited()
      return kind === 2 ? new Response('busy', { status: 503 }) : undefined
    },
    afterwards() {
      if (losesAnswer) throw new Error('the connection breaks')
    },
  })
}

/** Whatever an account was refused for is over. */
async function waitIsOver(): Promise<void> {
  const closed = { closed_until: new Date(Date.now() - 1_000) }
  await store.db.updateTable('peer_gates').set(closed).where('closed_until', 'is not', null).execute()
}

describe.each(providers)('crm-sync with $kind.name', (tested) => {
  it(
    'ends with the newest state for any order, repetition, grouping and failure, with two workers',
    { timeout: 60_000 },
    async () => {
      const history = fc.array(fc.tuple(fc.nat(mailboxes - 1), fc.constantFrom('problem', 'update', 'delete')), {
        minLength: 1,
        maxLength: 8,
      })
      await fc.assert(
        fc.asyncProperty(history, fc.array(fc.nat(3), { maxLength: 10 }), fc.gen(), async (entries, faults, gen) => {
          await using crm = await startFaulty(tested, faults)
          const settings = crmSync.parse(tested.env(crm.url))
          if (settings === undefined) throw new Error('an account switches it on')
          const [one, two] = [
            crmSync.create(settings, handlerDeps(store.db)),
            crmSync.create(settings, handlerDeps(store.db)),
          ]
          const events = await arrive(entries)
          let waiting = gen(fc.shuffledSubarray, [...events], { minLength: events.length, maxLength: events.length })
          while (waiting.length > 0) {
            await waitIsOver()
            const size = gen(fc.integer, { min: 1, max: waiting.length })
            const again = gen(fc.subarray, [...events])
            const batches = [waiting.slice(0, size), waiting.slice(size), again].filter((batch) => batch.length > 0)
            const outcomes = await Promise.all(
              batches.map((batch, index) => (index % 2 === 0 ? one : two)(batch, never)),
            )
            const statusesOf = (id: string) => outcomes.flatMap((each) => each.get(id)?.status ?? [])
            waiting = events.filter(({ id }) =>
              statusesOf(id).some((status) => status === 'retry' || status === 'hold'),
            )
            // Pipedrive allows ten searches in two seconds.
            if (waiting.length > 0) await delay(20)
          }
          for (const [email, expected] of expectedContacts(events))
            expect([email, textsOf(crm.contact(email))]).toMatchObject([email, expected])
          expect(crm.count()).toBe(new Set(entries.map(([id]) => id)).size)
          expect(crm.violations).toEqual([])
          for (const table of ['events', 'mailboxes', 'pauses', 'crm_sync', 'peer_gates'] as const)
            await store.db.deleteFrom(table).execute()
        }),
        { numRuns: 8 },
      )
    },
  )
})

function expectedContacts(events: readonly MailboxEvent[]): readonly (readonly [string, object])[] {
  return [...Map.groupBy(events, ({ campaignId }) => campaignId)].flatMap(([id, own]) => {
    const { mailbox } = foldTimeline(emptyTimeline, own)
    if (mailbox === null) return []
    const at = mailbox.status === 'deleted' ? mailbox.statusSince : mailbox.lastEventAt
    const contact = {
      mailivery_warmup_status: mailbox.status === 'deleted' ? 'removed' : mailbox.status,
      mailivery_last_event_at: new Date(at).toISOString(),
      mailivery_campaign_id: String(id),
    }
    return [[`m${id}@b.example`, contact]]
  })
}
