import { randomUUID } from 'node:crypto'
import { Client, escapeIdentifier } from 'pg'

/** An empty Postgres database of one test or one round of a benchmark. Disposing it drops it, open connections or not. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string
}

/** A fresh database on this server, in its default encoding if no other is given. */
export async function createDatabase(serverUrl: string, encoding?: 'SQL_ASCII' | 'LATIN1'): Promise<TestDatabase> {
  const name = `t_${randomUUID().replaceAll('-', '')}`
  const url = new URL(serverUrl)
  url.pathname = name
  await execute(serverUrl, `CREATE DATABASE ${escapeIdentifier(name)}${optionsFor(encoding)}`)
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => execute(serverUrl, `DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`),
  }
}

function optionsFor(encoding: string | undefined): string {
  return encoding === undefined ? '' : ` ENCODING '${encoding}' LOCALE 'C' TEMPLATE template0`
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
