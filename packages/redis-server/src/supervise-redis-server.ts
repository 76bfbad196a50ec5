import { setTimeout as delay } from 'node:timers/promises'
import { endWhenSilent, silenceLimits, type SilenceLimits } from './end-when-silent.ts'
import type { RedisServer, RedisServerExit } from './redis-server.ts'
import { RedisServerError } from './redis-server-error.ts'
import { startRedisServer, type RedisServerOptions } from './start-redis-server.ts'

/** What has happened to a supervised server. */
export type SupervisionEvent =
  | { readonly status: 'hung' }
  | { readonly status: 'ended'; readonly exit: RedisServerExit }
  | { readonly status: 'restart failed'; readonly error: unknown }
  | { readonly status: 'restarted'; readonly pid: number }

export interface SupervisionOptions extends RedisServerOptions {
  readonly onEvent: (event: SupervisionEvent) => void
  /** The server could not be kept running and is no longer restarted. */
  readonly onGiveUp: (error: Error) => void
  /** 30 to 60 s by default. */
  readonly silence?: SilenceLimits
}

/** A Redis that is restarted if it exits by itself or hangs. Disposing stops it for good. */
export interface SupervisedRedisServer extends AsyncDisposable {
  /** Does not change after a restart. */
  readonly url: string
  readonly pid: number
}

/** About 15 s including the delays. A server that is loading its data may take as long as it needs within one try. */
const maxTries = 8
const triesCountForMs = 60_000
const longestPauseMs = 5_000

/**
 * Starts a Redis like `startRedisServer`, and restarts it with the same data, port and password whenever it exits by itself, so
 * that clients reconnect. One that no longer answers is killed first. It gives up after eight tries in a minute.
 */
export async function superviseRedisServer({
  onEvent,
  onGiveUp,
  silence = silenceLimits,
  ...options
}: SupervisionOptions): Promise<SupervisedRedisServer> {
  const stop = new AbortController()
  let server = await startRedisServer(options)
  const { url, port } = server
  const address = { port, password: decodeURIComponent(new URL(url).password) || undefined }
  const again = { ...options, port, ...(address.password === undefined ? {} : { password: address.password }) }
  const tries: number[] = []

  async function keepRunning(): Promise<void> {
    for (;;) {
      const exit = await exitOf(server)
      if (stop.signal.aborted) return
      onEvent({ status: 'ended', exit })
      const next = await restart(describeExit(exit))
      if (next === undefined) return
      server = next
      onEvent({ status: 'restarted', pid: server.pid })
    }
  }

  async function exitOf(current: RedisServer): Promise<RedisServerExit> {
    const watch = new AbortController()
    const watching = endWhenSilent(current, {
      address,
      limits: silence,
      signal: AbortSignal.any([stop.signal, watch.signal]),
      onSilent: () => onEvent({ status: 'hung' }),
    })
    const exit = await current.exited
    watch.abort()
    await watching
    return exit
  }

  /** Undefined if it was stopped in the meantime. */
  async function restart(reason: string): Promise<RedisServer | undefined> {
    let cause: unknown
    for (;;) {
      const recent = tries.filter((at) => performance.now() - at < triesCountForMs)
      if (recent.length >= maxTries) throw toGiveUpError(reason, cause)
      await pause(recent.length, stop.signal)
      if (stop.signal.aborted) return undefined
      tries.splice(0, tries.length, ...recent, performance.now())
      try {
        return await startRedisServer(again)
      } catch (error) {
        cause = error
        onEvent({ status: 'restart failed', error })
      }
    }
  }

  const running = keepRunning().catch(onGiveUp)
  return {
    url,
    get pid() {
      return server.pid
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await server.stop()
      await running
      // A restart may have been in progress.
      await server.stop()
    },
  }
}

/** The first restart is immediate. */
async function pause(tries: number, signal: AbortSignal): Promise<void> {
  if (tries === 0) return
  await delay(Math.min(125 * 2 ** tries, longestPauseMs), undefined, { signal }).catch(() => undefined)
}

function describeExit({ code, signal }: RedisServerExit): string {
  return signal ?? `code ${code}`
}

function toGiveUpError(reason: string, cause: unknown): RedisServerError {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  return new RedisServerError(
    'keeps-ending',
    `The private Redis exited (${reason}) and could not be restarted${why}. Make sure that the machine has enough memory and disk space, or set REDIS_URL to another Redis`,
    { cause },
  )
}
