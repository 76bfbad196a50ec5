import { randomUUID } from 'node:crypto'
import { openTestStore } from '@warmhook/testing/open-test-store'
import { createEnvelopes } from '@warmhook/testing/webhook-events'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { recordDeliveries } from '../deliveries/record-deliveries.ts'
import { splitOutboxJob } from './split-outbox-job.ts'

describe('splitOutboxJob', () => {
  it.each([false, true])('leaves out events that the handler has finished (in a replay: %s)', async (isReplay) => {
    await using store = await openTestStore()
    const { db } = store
    const envelope = createEnvelopes()
    const [done, dead, failing, elsewhere, earlier, untried] = Array.from({ length: 6 }, () => envelope('').id)
    const all = [done, dead, failing, elsewhere, earlier, untried].map((eventId) => eventId ?? '')
    const replayId = isReplay ? randomUUID() : undefined
    const deliver = (
      handler: string,
      eventId: string | undefined,
      status: 'done' | 'dead' | 'failing',
      replay: string | undefined,
    ) =>
      recordDeliveries(db, {
        handler,
        startedAt: 0,
        finishedAt: 0,
        replayId: replay,
        settled: [],
        records: [{ eventId: eventId ?? '', status, note: undefined }],
      })
    await deliver('crm-sync', done, 'done', replayId)
    await deliver('crm-sync', dead, 'dead', replayId)
    await deliver('crm-sync', failing, 'failing', replayId)
    await deliver('notify', elsewhere, 'done', replayId)
    // Events finished before a replay are processed again.
    await deliver('crm-sync', earlier, 'done', undefined)
    const insert = (id: string) =>
      sql`INSERT INTO outbox (id, handler, event_ids, replay_id, is_queued)
        VALUES (${id}, 'crm-sync', ${all}::uuid[], ${replayId ?? null}::uuid, true)`.execute(db)
    await insert('whole')
    await insert('another')

    const parts = all.map((eventId) => ({ id: `part ${eventId}`, eventId }))
    await splitOutboxJob(db, { id: 'whole', handler: 'crm-sync', replayId, parts })
    const { rows } = await sql<{ id: string; event_ids: string[]; replay_id: string | null }>`
      SELECT id, event_ids, replay_id FROM outbox WHERE id <> 'another' ORDER BY id`.execute(db)
    const owed = [failing, elsewhere, ...(isReplay ? [earlier] : []), untried]
    expect(rows).toEqual(
      owed.map((eventId) => ({ id: `part ${eventId}`, event_ids: [eventId], replay_id: replayId ?? null })),
    )
    expect(await db.selectFrom('outbox').select('id').where('id', '=', 'another').execute()).toHaveLength(1)
  })
})
