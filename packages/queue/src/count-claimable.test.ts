import { eventually } from '@warmhook/testing/eventually'
import { testPrefix } from '@warmhook/testing/test-prefix'
import { expect, it } from 'vitest'
import { openQueue } from './batch-producer.ts'
import { intakeQueue } from './catalog.ts'
import { connectProducer } from './connections.ts'
import { countClaimable } from './count-claimable.ts'

it('counts waiting jobs and due jobs, but none of a paused queue', async () => {
  await using cleanup = new AsyncDisposableStack()
  const { redisUrl, prefix } = cleanup.use(testPrefix())
  const onError = (): void => undefined
  const redis = connectProducer({ url: redisUrl, onError })
  cleanup.defer(() => redis.disconnect())
  await eventually(() => expect(redis.status).toBe('ready'))
  const queue = openQueue(intakeQueue, redis, { prefix, onError })
  cleanup.defer(() => queue.close())
  const now = Date.now()
  expect(await countClaimable(queue, redis, now)).toBe(0)
  await queue.add('waits', {})
  await queue.add('is due in an hour', {}, { delay: 3_600_000 })
  expect(await countClaimable(queue, redis, now)).toBe(1)
  expect(await countClaimable(queue, redis, now + 3_590_000)).toBe(1)
  expect(await countClaimable(queue, redis, now + 3_700_000)).toBe(2)
  await queue.pause()
  expect(await countClaimable(queue, redis, now + 3_700_000)).toBe(0)
})
