import { randomUUID } from 'node:crypto'
import { openTestStore } from '@warmhook/testing/open-test-store'
import { recordBatch } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import { expect, it } from 'vitest'
import { foldEvents } from './fold-events.ts'

it('refolds a whole history without events of another owner’s mailbox with the same campaign id', async () => {
  await using store = await openTestStore()
  const envelope = createEnvelopes()
  const routed = (owner: string, type: string, email: string) =>
    toRouted({ ...envelope({ type, account: { id: 7, email } }), owner })
  const record = async (...events: ReturnType<typeof routed>[]): Promise<void> => {
    await recordBatch(store.db, { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: 0 })
    await foldEvents(
      store.db,
      events.map(({ event }) => event),
    )
  }
  const created = routed('acme', 'campaign.created', 'first@a.example')
  const other = routed('globex', 'campaign.created', 'other@b.example')
  const silent = routed('acme', 'campaign.updated', '')
  const deleted = routed('acme', 'campaign.deleted', '')
  const updated = routed('acme', 'campaign.updated', 'second@a.example')
  await record(created, other, silent, updated)
  // The deletion makes the later update void, so that only the beginning of the history has the address.
  await record(deleted)
  const mailboxes = await store.db
    .selectFrom('mailboxes')
    .select(['owner', 'email', 'status'])
    .orderBy('owner')
    .execute()
  expect(mailboxes).toEqual([
    { owner: 'acme', email: 'first@a.example', status: 'deleted' },
    { owner: 'globex', email: 'other@b.example', status: 'active' },
  ])
})
