import { randomUUID } from 'node:crypto'
import { describeBatch, EnvelopeBatch } from '@warmhook/schema/batch'
import type { Envelope } from '@warmhook/schema/envelope'
import { recordBatch } from '@warmhook/testing/record-batch'
import { engines } from '@warmhook/testing/open-test-store'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import type { Queue } from 'bullmq'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTestBoard, type TestBoard } from './fixtures/open-test-board.ts'
import { readFullLedger } from '@warmhook/ledger/read-full-ledger'

interface IntakeJob {
  readonly id: string
  readonly envelopes: readonly Envelope[]
}

describe.each(engines)('readFullLedger on %s', (engine) => {
  let board: TestBoard
  beforeEach(async () => {
    board = await openTestBoard(engine)
  })
  afterEach(() => board[Symbol.asyncDispose]())

  const envelope = createEnvelopes()
  const update = (campaign: number) => ({ type: 'campaign.updated', account: { id: campaign, email: 'a@b.example' } })

  async function enqueue(intake: Queue): Promise<IntakeJob> {
    const job = { id: randomUUID(), envelopes: [envelope(update(1)), envelope(update(2))] }
    await intake.add(describeBatch(['x', 'x']), { envelopes: job.envelopes }, { jobId: job.id })
    return job
  }

  async function route({ id, envelopes }: IntakeJob): Promise<void> {
    const events = envelopes.map((item) => toRouted(item, ['pause-tracking']))
    await recordBatch(board.db, { id, isReplay: false, events, refused: [], dedupeWindowMs: 0 })
  }

  it('counts a batch once that is routed but still in the queue', async () => {
    const { intake, db } = board
    await route(await enqueue(intake))
    await enqueue(intake)
    expect(await readFullLedger(intake, db)).toMatchObject({ accepted: 4, inFlight: 4, balanced: true })
  })

  it('counts a batch once that is routed between the reads of Redis and the database', async () => {
    const { intake, db } = board
    const job = await enqueue(intake)
    const racing = afterEachRead(intake, async (states) => {
      if (states.includes('failed')) await route(job)
    })
    expect(await readFullLedger(racing, db)).toMatchObject({ accepted: 2, inFlight: 2, balanced: true })
  })

  it('counts more batches than fit on a page, including those with another priority', async () => {
    const { intake, db } = board
    const jobs = await Promise.all(Array.from({ length: 205 }, () => enqueue(intake)))
    await (await intake.getJob(jobs[0]?.id ?? ''))?.changePriority({ priority: 5 })
    expect(await readFullLedger(intake, db)).toMatchObject({ accepted: 410, inFlight: 410, balanced: true })
  })

  it('counts waiting batches that shift while they are read', async () => {
    const { intake, db } = board
    await Promise.all(Array.from({ length: 250 }, () => enqueue(intake)))
    const shifting = afterEachRead(intake, async (states) => {
      if (states.includes('waiting')) await takeOldest(intake, 20)
    })
    expect(await readFullLedger(shifting, db)).toMatchObject({ accepted: 500, inFlight: 500, balanced: true })
  })

  async function takeOldest(queue: Queue, count: number): Promise<void> {
    for (const job of await queue.getJobs(['waiting'], 0, count - 1, true)) {
      await route({ id: job.id ?? '', envelopes: EnvelopeBatch.parse(job.data).envelopes })
      await job.remove()
    }
  }
})

/** The queue, with a hook that runs after each read of its job ids. */
function afterEachRead(queue: Queue, happen: (states: string) => Promise<void>): Queue {
  return new Proxy(queue, {
    get(target, property) {
      if (property !== 'getRanges') return Reflect.get(target, property) as unknown
      return async (...query: Parameters<Queue['getRanges']>) => {
        const ids = await target.getRanges(...query)
        await happen(String(query[0]))
        return ids
      }
    },
  })
}
