import { Command, type Redis } from 'ioredis'

/** A reply was pending and nothing arrived. TCP alone takes minutes to hours to detect this. */
class SilentConnectionError extends Error {
  override readonly name = 'SilentConnectionError'
}

const tickMs = 1_000
/** An idle connection is pinged after this many ticks. */
const pingAfterTicks = 5

/**
 * Breaks a connection that receives nothing for `answerSeconds` while a command is pending, so that ioredis opens a new
 * one. An idle connection is pinged. The timeout of a blocking command is added to the limit.
 *
 * It counts ticks rather than time, and bytes rather than replies: a process that was suspended or busy first reads
 * what has arrived, and a long reply that is still arriving does not count as silence.
 */
export function replaceWhenSilent(redis: Redis, answerSeconds: number): void {
  redis.on('connect', () => watchStream(redis, answerSeconds))
  if (redis.status === 'connect' || redis.status === 'ready') watchStream(redis, answerSeconds)
}

function watchStream(redis: Redis, answerSeconds: number): void {
  const { stream } = redis
  let bytesRead = -1
  let idleTicks = 0
  let pendingTicks = 0
  const look = (): void => {
    const oldest = redis.commandQueue.peekFront()?.command
    const isAlive = stream.bytesRead !== bytesRead
    bytesRead = stream.bytesRead
    idleTicks = isAlive || oldest !== undefined ? 0 : idleTicks + 1
    pendingTicks = isAlive || oldest === undefined ? 0 : pendingTicks + 1
    // If it fails, the connection has failed, which has its own listener.
    if (idleTicks >= pingAfterTicks && redis.status === 'ready') redis.ping().catch(() => undefined)
    const limit = answerSeconds + Math.ceil(blockingMs(oldest) / 1_000)
    if (pendingTicks <= limit) return
    forgetSettled(redis)
    stream.destroy(new SilentConnectionError(`Redis sent no data for ${pendingTicks} s while a reply was pending`))
  }
  const timer = setInterval(look, tickMs)
  timer.unref()
  stream.once('close', () => clearInterval(timer))
}

function blockingMs(command: unknown): number {
  return command instanceof Command ? (command.extractBlockingTimeout() ?? 0) : 0
}

/**
 * A command that its caller has abandoned must not be resent on the next connection: one that takes longer than the
 * limit would be resent forever.
 */
function forgetSettled({ commandQueue }: Redis): void {
  const pending = commandQueue.toArray().filter(({ command }) => !(command instanceof Command && command.isSettled))
  commandQueue.clear()
  for (const item of pending) commandQueue.push(item)
}
