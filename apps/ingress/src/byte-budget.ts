/** The bytes that all requests together may hold in memory, from the first byte of a body to the response. */
export interface ByteBudget {
  /** Reserves the bytes. False: there is no room, and nothing is reserved. */
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
 * The budget of one ingress. A body temporarily exists as bytes, text and JSON, so the process uses about three times
 * as much memory. The budget must have room for a few bodies of the maximum size.
 */
export function budgetFor(maxBodyBytes: number): number {
  return Math.max(64 * 1024 * 1024, 8 * maxBodyBytes)
}
