/** The bytes that requests may hold in memory together, from the first byte of a body to the answer. */
export interface ByteBudget {
  /** Takes the bytes. False: there is no room for them, and none is taken. */
  take(bytes: number): boolean
  give(bytes: number): void
  hasRoom(bytes: number): boolean
}

/** `maxBytes` in all. */
export function createByteBudget(maxBytes: number): ByteBudget {
  let taken = 0
  const hasRoom = (bytes: number): boolean => taken + bytes <= maxBytes
  return {
    hasRoom,
    take(bytes) {
      if (!hasRoom(bytes)) return false
      taken += bytes
      return true
    },
    give(bytes) {
      taken -= bytes
    },
  }
}

/**
 * What one ingress holds at most. A body is there as bytes, as text and as JSON for a while, so the process takes about
 * three times as much. It has to have room for a few of the largest bodies.
 */
export function budgetFor(maxBodyBytes: number): number {
  return Math.max(64 * 1024 * 1024, 8 * maxBodyBytes)
}
