/**
 * Serialises rows as one JSON parameter. Postgres text cannot hold NUL or lone surrogates: U+FFFD replaces them.
 */
export function toJsonParameter(rows: readonly unknown[]): string {
  const json = JSON.stringify(rows)
  if (!json.includes('\\u')) return json
  // Escaped backslashes are matched too, so that a `u0000` after one is not mistaken for an escape.
  return json.replace(/\\(?:\\|u0000|ud[89a-f][0-9a-f]{2})/g, (escape) => (escape === '\\\\' ? escape : '\\ufffd'))
}
