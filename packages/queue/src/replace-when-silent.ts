import { Command, type Redis } from 'ioredis'

/** An answer was due and nothing came: TCP alone takes minutes to hours to find out. */
class SilentConnectionError extends Error {
  override readonly name = 'SilentConnectionError'
}

const tickMs = 1_000
/** A connection without traffic is tried after so many ticks. */
const pingAfterTicks = 5

/**
 * Breaks a connection, and ioredis makes a new one, when nothing comes back on it: for `answerSeconds` with a command pending,
 * or to a PING when there is no command. A blocking command has its own time besides.
 *
 * Ticks are counted rather than time, and bytes rather than answers: a process that was stopped or busy reads what has arrived
 * before it decides, and a long answer that is still coming is no silence.
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
    // Its failure is that of the connection, which has a listener of its own.
    if (idleTicks >= pingAfterTicks && redis.status === 'ready') redis.ping().catch(() => undefined)
    const limit = answerSeconds + Math.ceil(blockingMs(oldest) / 1_000)
    if (pendingTicks <= limit) return
    forgetSettled(redis)
    stream.destroy(new SilentConnectionError(`Redis sent nothing for ${pendingTicks} s although an answer was due`))
  }
  const timer = setInterval(look, tickMs)
  timer.unref()
  stream.once('close', () => clearInterval(timer))
}

function blockingMs(command: unknown): number {
  return command instanceof Command ? (command.extractBlockingTimeout() ?? 0) : 0
}

/**
 * What its caller has given up must not be sent again on the next connection: a command that takes longer than the limit would
 * go round for ever.
 */
function forgetSettled({ commandQueue }: Redis): void {
  const pending = commandQueue.toArray().filter(({ command }) => !(command instanceof Command && command.isSettled))
  commandQueue.clear()
  for (const item of pending) commandQueue.push(item)
}
