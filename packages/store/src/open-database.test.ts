import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { eventually } from '@warmhook/testing/eventually'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { openPostgres } from './open-database.ts'

const terminateOthers = sql`
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`

it('reports connections that break, idle or in a transaction, and replaces them', async () => {
  await using database = await createTestDatabase()
  const errors: string[] = []
  const onError = (error: Error): void => void errors.push(error.message)
  const db = openPostgres({ use: 'lookups', url: database.url, poolSize: 2, onError })
  const admin = openPostgres({ use: 'reports', url: database.url, poolSize: 1, onError: () => undefined })
  try {
    const cut = db.transaction().execute(async (tx) => {
      await sql`SELECT 1`.execute(tx)
      // Opens a second connection, which is idle afterwards.
      await sql`SELECT 1`.execute(db)
      await terminateOthers.execute(admin)
      await eventually(() => expect(errors.length).toBeGreaterThanOrEqual(2))
      await sql`SELECT 1`.execute(tx)
    })
    await expect(cut).rejects.toThrow(/connection/i)
    expect((await sql`SELECT 1`.execute(db)).rows).toHaveLength(1)
  } finally {
    await db.destroy()
    await admin.destroy()
  }
})
