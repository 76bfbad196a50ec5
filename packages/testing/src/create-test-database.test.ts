import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from './create-test-database.ts'

describe('createTestDatabase', () => {
  it('gives each caller an empty database of its own', async () => {
    await using one = await createTestDatabase()
    await using other = await createTestDatabase()
    await query(one.url, 'CREATE TABLE mine (id int)')
    await expect(query(other.url, 'SELECT * FROM mine')).rejects.toThrow('relation "mine" does not exist')
  })

  it('drops the database even if a client is still connected', async () => {
    const database = await createTestDatabase()
    const client = new Client({ connectionString: database.url })
    client.on('error', () => {})
    await client.connect()
    await database[Symbol.asyncDispose]()
    await expect(query(database.url, 'SELECT 1')).rejects.toThrow('does not exist')
  })
})

async function query(url: string, statement: string): Promise<unknown> {
  const client = new Client({ connectionString: url })
  try {
    await client.connect()
    return await client.query(statement)
  } finally {
    await client.end()
  }
}
