import { openQueue } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { connectConsumer } from '@warmhook/queue/connections'
import { toIntakeJobId } from '@warmhook/schema/intake-range'
import { testPrefix } from '@warmhook/testing/test-prefix'
import { Worker, type Job, type Queue } from 'bullmq'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { readIntake } from './read-intake.ts'

let stack: AsyncDisposableStack
let intake: Queue
let worker: Worker

beforeEach(() => {
  stack = new AsyncDisposableStack()
  const keys = stack.use(testPrefix())
  const connection = connectConsumer({ url: keys.redisUrl, onError: () => undefined })
  stack.defer(() => connection.disconnect())
  intake = openQueue(intakeQueue, connection, { prefix: keys.prefix, onError: () => undefined })
  stack.defer(() => intake.close())
  worker = new Worker(intakeQueue.name, null, { connection, prefix: keys.prefix })
  stack.defer(() => worker.close())
})

afterEach(() => stack.disposeAsync())

let number = 0
async function add(): Promise<void> {
  number += 1
  const jobId = toIntakeJobId({ epoch: '0123456789abcdef', first: number, last: number })
  await intake.add('mailivery ×1', {}, { jobId })
}

const take = (): Promise<Job | undefined> => worker.getNextJob('token', { block: false })

it('finds every job that is in the queue all the while, however jobs move between its pages', async () => {
  for (let count = 0; count < 40; count += 1) await add()
  const last = number
  const readPage = intake.getRanges.bind(intake)
  vi.spyOn(intake, 'getRanges').mockImplementation(async (...args) => {
    const ids = await readPage(...args)
    // New jobs arrive, waiting ones become active, and one of those waits for its next attempt.
    for (let count = 0; count < 3; count += 1) await add()
    const [taken] = [await take(), await take()]
    await taken?.moveToDelayed(Date.now() + 3_600_000, 'token')
    return ids
  })
  const { ranges } = await readIntake(intake, 4)
  const found = new Set(ranges.map(({ first }) => first))
  const missing = Array.from({ length: 40 }, (_, at) => last - at).filter((first) => !found.has(first))
  expect(missing).toEqual([])
  expect(ranges).toHaveLength(found.size)
})
