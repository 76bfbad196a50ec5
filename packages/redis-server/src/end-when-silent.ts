import { setTimeout as delay } from 'node:timers/promises'
import { identifyServer, type ServerAddress } from './identify-server.ts'
import type { RedisServer } from './redis-server.ts'

/** When a server that accepts connections and answers nothing counts as hung. */
export interface SilenceLimits {
  readonly everyMs: number
  readonly timeoutMs: number
  /** Questions without an answer, one after another. A machine that slept answers the first one after that. */
  readonly questions: number
}

/** 30 to 60 s: longer than a slow disk or a large rewrite keeps a healthy Redis busy. */
export const silenceLimits: SilenceLimits = { everyMs: 5_000, timeoutMs: 5_000, questions: 6 }

export interface EndWhenSilentOptions {
  readonly address: ServerAddress
  readonly limits: SilenceLimits
  /** Ends the watch. */
  readonly signal: AbortSignal
  /** Called before the server is killed. */
  readonly onSilent: () => void
}

/** Kills a server that hangs, so that whoever supervises it starts another. Resolves when it has done so, or when it is aborted. */
export async function endWhenSilent(
  server: Pick<RedisServer, 'kill'>,
  { address, limits, signal, onSilent }: EndWhenSilentOptions,
): Promise<void> {
  let unanswered = 0
  while (unanswered < limits.questions) {
    await delay(limits.everyMs, undefined, { signal, ref: false }).catch(() => undefined)
    if (signal.aborted) return
    const { status } = await identifyServer(address, limits.timeoutMs)
    unanswered = status === 'silent' ? unanswered + 1 : 0
  }
  if (signal.aborted) return
  onSilent()
  server.kill('SIGKILL')
}
