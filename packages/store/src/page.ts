/** A part of a list, newest first. `nextCursor` asks for what follows; null at the end. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

/** Which part of a list is asked for. */
export interface PageRequest {
  readonly limit: number
  /** A `nextCursor` of before. */
  readonly cursor: string | undefined
}

/** The cursor is not one that a list gave. */
export class CursorError extends Error {
  override readonly name = 'CursorError'
}

/** Lists are keyed by a UUID, so the cursor is the last one seen. */
export function parseCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
    throw new CursorError('the cursor is not one that this list gave')
  return id
}

/** Makes a page of rows that were read one over the limit. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  idOf: (row: Row) => string,
  toItem: (row: Row) => Item,
): Page<Item> {
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    items: rows.slice(0, limit).map(toItem),
    nextCursor: last === undefined ? null : Buffer.from(idOf(last)).toString('base64url'),
  }
}

/** A pattern for ILIKE that finds the text anywhere in a column. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
}
