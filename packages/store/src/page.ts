/** A page of a list, newest first. `nextCursor` requests the next page; null on the last one. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

/** Which page of a list is requested. */
export interface PageRequest {
  readonly limit: number
  /** The `nextCursor` of the previous page. */
  readonly cursor: string | undefined
}

/** The cursor was not returned by a list. */
export class CursorError extends Error {
  override readonly name = 'CursorError'
}

/** Lists are sorted by a UUID, so the cursor is the last UUID of a page. */
export function parseCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
    throw new CursorError('the cursor was not returned by this list')
  return id
}

/** Makes a page of rows that were read with `limit + 1`. */
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

/** An ILIKE pattern that matches the text anywhere in a column. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
}
