import { countProblems } from '@warmhook/handlers/fixtures/count-problems/handler'
import { createProblemCounts, readProblemCounts } from '@warmhook/handlers/fixtures/count-problems/problem-counts'
import { handlerDeps } from '@warmhook/handlers/fixtures/handler-deps'
import type { GivenEvent, HandleEvents } from '@warmhook/handlers/handler'
import { RetryAtError, UnavailableError } from '@warmhook/queue/start-batch-worker'
import type { Envelope } from '@warmhook/schema/envelope'
import { newEventJob, writeEventJob } from '@warmhook/schema/event-job'
import { readOutboxJobs } from '@warmhook/store/outbox/read-outbox-jobs'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { recordBatch } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createEventRunner } from './create-event-runner.ts'

const { name, subscribes, policy } = countProblems
const windowMs = 10_000

let store: TestStore
let handle: HandleEvents

beforeAll(async () => {
  store = await openTestStore()
  await createProblemCounts(store.db)
})
afterAll(() => store[Symbol.asyncDispose]())
beforeEach(async () => {
  await clear()
  handle = countProblems.create({}, handlerDeps(store.db))
})

async function clear(): Promise<void> {
  for (const table of ['events', 'deliveries', 'outbox', 'problem_counts', 'mailboxes', 'pauses'])
    await sql`DELETE FROM ${sql.table(table)}`.execute(store.db)
}

interface Sent {
  readonly mailbox: number
  readonly kind: 'problem' | 'other problem' | 'updated'
  /** Time since the previous event. */
  readonly gapMs: number
  readonly deliveryId: string | undefined
}

const bodies: Readonly<Record<Sent['kind'], object>> = {
  problem: { type: 'campaign.connection.problematic', reason: 'Smtp' },
  'other problem': { type: 'campaign.connection.problematic', reason: 'Imap' },
  updated: { type: 'campaign.updated' },
}

function toEnvelopes(history: readonly Sent[]): readonly Envelope[] {
  const envelope = createEnvelopes()
  let at = Date.now() - 3_600_000
  return history.map(({ mailbox, kind, gapMs, deliveryId }) =>
    envelope({ ...bodies[kind], account: { id: mailbox } }, (at += gapMs), deliveryId),
  )
}

/** The counts that a history results in, computed from all of it at once. */
function modelOf(history: readonly Sent[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const mailbox of new Set(history.map((sent) => sent.mailbox))) {
    let at = 0
    const own = history.map((sent) => ({ ...sent, at: (at += sent.gapMs) })).filter((sent) => sent.mailbox === mailbox)
    const counted = own.filter((sent, index) => {
      const earlier = own.slice(0, index)
      const previous = earlier.at(-1)
      const isDuplicate =
        sent.deliveryId === undefined
          ? previous?.kind === sent.kind && sent.at - previous.at <= windowMs
          : earlier.some(({ deliveryId }) => deliveryId === sent.deliveryId)
      return sent.kind !== 'updated' && !isDuplicate
    })
    if (counted.length > 0) counts.set(mailbox, counted.length)
  }
  return counts
}

/** What goes wrong in a handler call, or happens during it. */
type Mishap = 'none' | 'dies before' | 'dies after' | 'is overtaken' | 'takes long'

/** An installation whose workers fail. */
function createSite(envelopes: readonly Envelope[], batchOf: readonly number[]) {
  let mishap: Mishap = 'none'
  let meanwhile: () => Promise<unknown> = () => Promise.resolve()
  /** Calls of workers that are alive but considered dead. */
  const late: (readonly GivenEvent[])[] = []
  const run = createEventRunner({
    handler: {
      name,
      subscribes,
      policy,
      handle: async (events, signal) => {
        if (mishap === 'is overtaken') late.push(events)
        if (mishap === 'is overtaken' || mishap === 'dies before') throw unreachable()
        if (mishap === 'takes long') await meanwhile()
        const outcomes = await handle(events, signal)
        if (mishap === 'dies after') throw unreachable()
        return outcomes
      },
    },
    db: store.db,
    maxConcurrent: 1,
    handleInSandbox: undefined,
    add: () => Promise.resolve(),
    observe: () => undefined,
    now: Date.now,
    random: () => 0,
  })
  const unreachable = () => Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })
  const signal = new AbortController().signal
  const route = async (batch: number): Promise<void> => {
    const events = envelopes
      .filter((_, index) => batchOf[index] === batch)
      .map((sent) => toRouted(sent, handlersOf(sent)))
    const id = `00000000-0000-4000-8000-00000000000${batch}`
    if (events.length > 0)
      await recordBatch(store.db, { id, isReplay: false, events, refused: [], dedupeWindowMs: windowMs })
  }
  return {
    route,
    /** Handles every job once, in the given order. */
    async work(now: Mishap, isReversed: boolean, during: number): Promise<void> {
      mishap = now
      meanwhile = () => route(during)
      const rows = await store.db.selectFrom('outbox').select('id').orderBy('created_at').execute()
      const jobs = await readOutboxJobs(
        store.db,
        rows.map(({ id }) => id),
      )
      for (const { id, events, replayId } of isReversed ? jobs.toReversed() : jobs) {
        const payload = writeEventJob(newEventJob(events, replayId))
        const counters = { attempt: 1, stalledCount: 0, attemptsMade: 0 }
        const updatePayload = () => Promise.resolve()
        await run({ jobId: id, payload, ...counters, updatePayload, isStopping: () => false, signal }).catch(
          (error: unknown) => {
            if (!(error instanceof UnavailableError || error instanceof RetryAtError)) throw error
          },
        )
      }
    },
    async endLateCalls(): Promise<void> {
      for (const events of late.splice(0)) await handle(events, signal)
    },
  }
}

function handlersOf({ body }: Envelope): readonly string[] {
  return body.includes('problematic') ? [name] : []
}

const sent = fc.record<Sent>({
  mailbox: fc.constantFrom(1, 1, 2),
  kind: fc.constantFrom('problem', 'problem', 'other problem', 'updated'),
  gapMs: fc.constantFrom(1_000, 6_000, 11_000),
  deliveryId: fc.constantFrom(undefined, undefined, undefined, 'one', 'two'),
})
const steps = fc.array(
  fc.oneof(
    fc.record({ batch: fc.nat(4) }),
    fc.record({
      mishap: fc.constantFrom<Mishap>('none', 'dies before', 'dies after', 'is overtaken', 'takes long'),
      isReversed: fc.boolean(),
      during: fc.nat(4),
    }),
    fc.constant('late calls end' as const),
  ),
  { maxLength: 12 },
)

describe('a handler that counts', () => {
  it(
    'counts what the model counts, even if events are routed late or again, handled twice, interrupted or overtaken',
    { timeout: 300_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(sent, { minLength: 1, maxLength: 8 }),
          fc.array(fc.nat(4), { minLength: 8, maxLength: 8 }),
          steps,
          async (history, batchOf, order) => {
            await clear()
            const site = createSite(toEnvelopes(history), batchOf)
            for (const step of order) {
              if (step === 'late calls end') await site.endLateCalls()
              else if ('batch' in step) await site.route(step.batch)
              else await site.work(step.mishap, step.isReversed, step.during)
            }
            for (const batch of [0, 1, 2, 3, 4]) await site.route(batch)
            await site.work('none', false, 0)
            await site.endLateCalls()
            expect(await store.db.selectFrom('outbox').select('id').execute()).toEqual([])
            expect(await readProblemCounts(store.db)).toEqual(modelOf(history))
          },
        ),
        { numRuns: 250 },
      )
    },
  )

  it('gets an event again if it turns out to be a duplicate after it was counted', async () => {
    const history: readonly Sent[] = Array.from({ length: 2 }, () => ({
      mailbox: 1,
      kind: 'problem',
      gapMs: 1_000,
      deliveryId: undefined,
    }))
    const site = createSite(toEnvelopes(history), [1, 0])
    await site.route(0)
    await site.work('none', false, 0)
    expect(await readProblemCounts(store.db)).toEqual(new Map([[1, 1]]))
    await site.route(1)
    await site.work('none', false, 0)
    expect(await readProblemCounts(store.db)).toEqual(new Map([[1, 1]]))
    expect(await store.db.selectFrom('outbox').select('id').execute()).toEqual([])
  })
})
