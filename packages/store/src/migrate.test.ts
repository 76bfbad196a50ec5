import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { openTestStore } from '@warmhook/testing/open-test-store'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { migratePostgres } from './migrate-postgres.ts'

describe('migratePostgres', () => {
  const migrate = (url: string) => migratePostgres({ url, onError: () => undefined })

  it.each(['SQL_ASCII', 'LATIN1'] as const)(
    'rejects a database with encoding %s, and says how to create a suitable one',
    async (encoding) => {
      await using database = await createTestDatabase(encoding)
      await expect(migrate(database.url)).rejects.toMatchObject({
        name: 'EncodingError',
        message: expect.stringMatching(new RegExp(`encoding ${encoding}.*CREATE DATABASE .* ENCODING 'UTF8'`)),
      })
    },
  )

  it('runs pending migrations once', async () => {
    await using database = await createTestDatabase()
    expect(await migrate(database.url)).toContain('001-initial')
    expect(await migrate(database.url)).toEqual([])
  })

  it('lets workers of the previous version write notifications under the old table name', async () => {
    await using store = await openTestStore()
    const event = sql`'00000000-0000-7000-8000-000000000001'::uuid`
    const claim = sql`INSERT INTO notices (owner, campaign_id, kind, event_id, claimed_by)
      VALUES ('acme', 1, 'opened', ${event}, gen_random_uuid())
      ON CONFLICT (campaign_id, owner, kind, event_id) DO UPDATE SET claimed_by = excluded.claimed_by`
    await claim.execute(store.db)
    await claim.execute(store.db)
    await sql`UPDATE notices SET sent_at = now()`.execute(store.db)
    const sent = store.db.selectFrom('notifications').select('kind').where('sent_at', 'is not', null)
    expect(await sent.execute()).toEqual([{ kind: 'opened' }])
  })
})
