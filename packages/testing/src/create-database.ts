import { randomUUID } from 'node:crypto'
import { Client, escapeIdentifier } from 'pg'

/** An empty Postgres database for one test or benchmark round. Disposing it drops it, even with open connections. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string
}

/** Creates an empty database on this server, in the server's default encoding unless one is given. */
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
