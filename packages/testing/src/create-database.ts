import { randomUUID } from 'node:crypto'
import { Client, escapeIdentifier } from 'pg'

/** An empty Postgres database of one test or one round of a benchmark. Disposing it drops it, open connections or not. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string
}

/** A fresh database on this server. */
export async function createDatabase(serverUrl: string): Promise<TestDatabase> {
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
