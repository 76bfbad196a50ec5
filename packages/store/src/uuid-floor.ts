/** The smallest UUIDv7 for a time (ms since the epoch). Ids sort by time, so it marks the start of a time span. */
export function uuidFloor(ms: number): string {
  const time = ms.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}
