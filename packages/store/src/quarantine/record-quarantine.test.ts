import { openTestStore } from '@warmhook/testing/open-test-store'
import { createEnvelopes } from '@warmhook/testing/webhook-events'
import { expect, it } from 'vitest'
import { recordQuarantine, type RefusedEnvelope } from './record-quarantine.ts'

it('tells envelopes that are new in quarantine from known ones, whatever else is there', async () => {
  await using store = await openTestStore()
  const envelope = createEnvelopes()
  const refuse = (issue: string): RefusedEnvelope => ({
    deliveryId: undefined,
    ...envelope('{'),
    issue,
    issues: [],
    raw: Buffer.from('{'),
  })
  const [first, second] = [refuse('not JSON'), refuse('not JSON')]
  expect(await recordQuarantine(store.db, [first])).toEqual(new Set([first.id]))
  expect(await recordQuarantine(store.db, [first, second])).toEqual(new Set([second.id]))
  expect(await recordQuarantine(store.db, [{ ...first, issue: 'no type' }])).toEqual(new Set())
  const rows = await store.db.selectFrom('quarantine').select(['id', 'issue']).orderBy('id').execute()
  expect(rows.map(({ issue }) => issue)).toEqual(['no type', 'not JSON'])
})
