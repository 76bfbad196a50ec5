import { randomUUID } from 'node:crypto'
import { Client, escapeIdentifier } from 'pg'
import { inject } from 'vitest'

/** An empty Postgres database of one test. Disposing it drops it, open connections or not. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string
}

/** A fresh database on the Postgres that the global set-up started. */
export async function createTestDatabase(serverUrl: string = inject('databaseUrl')): Promise<TestDatabase> {
  const name = `t_${randomUUID().replaceAll('-', '')}`
  const url = new URL(serverUrl)
  url.pathname = name
  await execute(serverUrl, `CREATE DATABASE ${escapeIdentifier(name)}`)
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => execute(serverUrl, `DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`),
  }
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
