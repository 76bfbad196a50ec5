import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { describe, expect, it } from 'vitest'
import { migratePostgres } from './migrate-postgres.ts'

describe('migratePostgres', () => {
  const migrate = (url: string) => migratePostgres({ url, onError: () => undefined })

  it.each(['SQL_ASCII', 'LATIN1'] as const)(
    'refuses a database in %s, and says how to create one that fits',
    async (encoding) => {
      await using database = await createTestDatabase(encoding)
      await expect(migrate(database.url)).rejects.toMatchObject({
        name: 'EncodingError',
        message: expect.stringMatching(new RegExp(`encoding ${encoding}.*CREATE DATABASE .* ENCODING 'UTF8'`)),
      })
    },
  )

  it('runs what a database lacks, once', async () => {
    await using database = await createTestDatabase()
    expect(await migrate(database.url)).toContain('001-initial')
    expect(await migrate(database.url)).toEqual([])
  })
})
