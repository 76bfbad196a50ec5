import { totalmem } from 'node:os'

const leastBytes = 128 * 2 ** 20

/** A quarter of what this machine or container has: the rest is for the processes around it and for rewriting the append-only file. */
export function defaultMaxmemory(): string {
  // 0 or a number beyond every memory where there is no limit.
  const limit = process.constrainedMemory()
  const available = limit > 0 ? Math.min(limit, totalmem()) : totalmem()
  return String(Math.max(leastBytes, Math.floor(available / 4)))
}
