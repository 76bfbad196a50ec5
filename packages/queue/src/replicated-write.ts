import type { Redis } from 'ioredis'

/** Too few replicas have confirmed a write; it may still reach them. */
class NotReplicatedError extends Error {
  override readonly name = 'NotReplicatedError'
}

/** Runs a write on the connection, and returns once it is safe. The write must be idempotent. */
export type Write = (run: () => Promise<unknown>) => Promise<void>

/** Leaves time for a retry within the one second that senders wait. */
const waitMs = 400

/**
 * Creates a write function that returns once `replicas` replicas have confirmed the write (WAIT); with 0, once Redis
 * itself has. It throws NotReplicatedError if too few confirm in time.
 */
export function createReplicatedWrite(connection: Redis, replicas: number): Write {
  if (replicas === 0) {
    return async (run) => {
      await run()
    }
  }
  let breaks = 0
  connection.on('close', () => (breaks += 1))
  return async (run) => {
    const before = breaks
    await run()
    const confirmed = await connection.wait(replicas, waitMs)
    // WAIT only covers writes of its own connection, so on a new connection it proves nothing.
    if (breaks !== before) throw new NotReplicatedError('the connection broke before the replicas confirmed the write')
    if (confirmed < replicas)
      throw new NotReplicatedError(`${confirmed} of ${replicas} replicas confirmed the write within ${waitMs} ms`)
  }
}
