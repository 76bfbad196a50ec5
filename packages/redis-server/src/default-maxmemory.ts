import { totalmem } from 'node:os'

const leastBytes = 128 * 2 ** 20

/** A quarter of the memory of this machine or container; the rest is for other processes and for rewriting the append-only file. */
export function defaultMaxmemory(): string {
  // Without a limit, this is 0 or a number larger than any memory.
  const limit = process.constrainedMemory()
  const available = limit > 0 ? Math.min(limit, totalmem()) : totalmem()
  return String(Math.max(leastBytes, Math.floor(available / 4)))
}
