import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { openPostgres } from './open-database.ts'

describe('a prepared statement', () => {
  it('works on retry after a migration has changed its result type', async () => {
    await using stack = new AsyncDisposableStack()
    const database = stack.use(await createTestDatabase())
    const options = { url: database.url, poolSize: 1, onError: () => undefined }
    const db = openPostgres({ ...options, use: 'lookups' })
    stack.defer(() => db.destroy())
    const migrator = openPostgres({ ...options, use: 'migrations' })
    stack.defer(() => migrator.destroy())
    await sql`CREATE TABLE things (id integer)`.execute(migrator)
    await sql`INSERT INTO things VALUES (1)`.execute(migrator)
    const read = () => sql`SELECT * FROM things WHERE id = ${1}`.execute(db)
    expect((await read()).rows).toEqual([{ id: 1 }])
    await sql`ALTER TABLE things ADD COLUMN name text DEFAULT 'one'`.execute(migrator)
    await expect(read()).rejects.toMatchObject({ code: '0A000' })
    expect((await read()).rows).toEqual([{ id: 1, name: 'one' }])
    expect((await read()).rows).toEqual([{ id: 1, name: 'one' }])
  })
})
