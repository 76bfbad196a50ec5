import { hash } from 'node:crypto'
import type { RunQuery } from './wrap-pool.ts'

/**
 * Gives statements with parameters a name, under which a connection prepares each once and runs it from then on: planning the
 * longest ones takes longer than running them. Only for code with a fixed set of statements, since a connection keeps every one
 * it has seen.
 */
export function nameStatements(run: RunQuery): RunQuery {
  const names = new Map<string, string>()
  let renamed = 0
  return async (client, query) => {
    if (query.values === undefined || query.values.length === 0) return run(client, query)
    const { text } = query
    // A name in Postgres has 63 bytes at most, so a statement goes by its hash.
    const name = names.get(text) ?? hash('sha256', text).slice(0, 32)
    names.set(text, name)
    try {
      return await run(client, { ...query, name })
    } catch (error) {
      // The caller has to try again: in a transaction, nothing more can be run now.
      if (isOutdated(error)) names.set(text, `${name.slice(0, 32)}_${(renamed += 1)}`)
      throw error
    }
  }
}

/**
 * A migration of a later version has changed a column that the statement returns: "cached plan must not change result type",
 * feature_not_supported. Prepared again, it works.
 */
function isOutdated(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '0A000' && error.message.includes('cached plan')
}
