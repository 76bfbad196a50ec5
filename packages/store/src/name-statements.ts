import { hash } from 'node:crypto'
import type { RunQuery } from './wrap-pool.ts'

/**
 * Names statements with parameters, so that each connection prepares them once: planning the longest statements takes
 * longer than running them. Only for code with a fixed set of statements, since a connection keeps every prepared
 * statement.
 */
export function nameStatements(run: RunQuery): RunQuery {
  const names = new Map<string, string>()
  let renamed = 0
  return async (client, query) => {
    if (query.values === undefined || query.values.length === 0) return run(client, query)
    const { text } = query
    // Names in Postgres have at most 63 bytes, so a hash of the statement is used.
    const name = names.get(text) ?? hash('sha256', text).slice(0, 32)
    names.set(text, name)
    try {
      return await run(client, { ...query, name })
    } catch (error) {
      // The caller has to retry: a failed transaction accepts no more statements.
      if (isOutdated(error)) names.set(text, `${name.slice(0, 32)}_${(renamed += 1)}`)
      throw error
    }
  }
}

/**
 * A migration of a later version has changed a column that the statement returns: "cached plan must not change result
 * type" (feature_not_supported). The statement works once it is prepared again.
 */
function isOutdated(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '0A000' && error.message.includes('cached plan')
}
