/** The value of the first key that is present and not null. */
export function pick(fields: Readonly<Record<string, unknown>>, ...keys: readonly string[]): unknown {
  for (const key of keys) {
    const value = Object.hasOwn(fields, key) ? fields[key] : undefined
    if (value !== undefined && value !== null) return value
  }
  return undefined
}
