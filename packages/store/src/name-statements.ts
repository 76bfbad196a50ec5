import { hash } from 'node:crypto'
import type { QueryConfig } from 'pg'

/**
 * Gives statements with parameters a name, under which a connection prepares each once and runs it from then on: planning the
 * longest ones takes longer than running them. Only for code with a fixed set of statements, since a connection keeps every one
 * it has seen.
 */
export function nameStatements(): (query: QueryConfig) => QueryConfig {
  const names = new Map<string, string>()
  return (query) => {
    if (query.values === undefined || query.values.length === 0) return query
    const { text } = query
    // A name in Postgres has 63 bytes at most, so a statement goes by its hash.
    const name = names.get(text) ?? hash('sha256', text).slice(0, 32)
    names.set(text, name)
    return { ...query, name }
  }
}
