/**
 * Rows as the text of one JSON parameter. Postgres text holds neither NUL nor half a surrogate pair: U+FFFD stands for them.
 */
export function toJsonParameter(rows: readonly unknown[]): string {
  const json = JSON.stringify(rows)
  if (!json.includes('\\u')) return json
  // An escaped backslash is matched too, so that the u0000 behind it is not taken for an escape.
  return json.replace(/\\(?:\\|u0000|ud[89a-f][0-9a-f]{2})/g, (escape) => (escape === '\\\\' ? escape : '\\ufffd'))
}
