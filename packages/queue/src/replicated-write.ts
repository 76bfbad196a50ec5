import type { Redis } from 'ioredis'

/** Too few replicas have a write; it may reach them yet. */
class NotReplicatedError extends Error {
  override readonly name = 'NotReplicatedError'
}

/** Runs a write on the connection, and returns once it is safe. It is to be one that can be repeated. */
export type Write = (run: () => Promise<unknown>) => Promise<void>

/** Leaves room for a repeat within the second that senders wait. */
const waitMs = 400

/**
 * Writes that are safe once `replicas` of Redis's replicas have them, by the command WAIT; with 0, once Redis itself has.
 * A write throws NotReplicatedError when they are too few in time.
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
    // WAIT speaks for what its own connection has written: on a new one it is true of nothing.
    if (breaks !== before) throw new NotReplicatedError('the connection broke before the replicas had the write')
    if (confirmed < replicas)
      throw new NotReplicatedError(`${confirmed} of ${replicas} replicas have the write within ${waitMs} ms`)
  }
}
