import { setTimeout as delay } from 'node:timers/promises'
import type { MiddlewareHandler } from 'hono'
import { findUnreachable, isPostgresBusy, type Services } from './find-unreachable.ts'
import { unreachable, UnreachableError } from './unreachable-error.ts'

/** How long an answer may take before the services are checked; they have a second to respond. */
const checkAfterMs = 3_000

/**
 * Answers when a service stops responding during a request. Redis commands time out after a second, so a read that
 * takes longer is waiting for Postgres, which is either running a long statement or no longer responding on this
 * connection. Writes may take any time while both services respond.
 */
export function answerInTime(services: Services): MiddlewareHandler {
  return async (c, next) => {
    const end = new AbortController()
    const answer = next().finally(() => end.abort())
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD'
    const late = watch(services, isRead, end.signal).catch((error: unknown) => {
      if (!end.signal.aborted) throw error
    })
    await Promise.race([answer, late])
  }
}

/** Rejects if waiting any longer is pointless. */
async function watch(services: Services, isRead: boolean, signal: AbortSignal): Promise<never> {
  for (;;) {
    await delay(checkAfterMs, undefined, { signal, ref: false })
    const silent = await findUnreachable(services)
    if (silent.length > 0) throw unreachable(silent)
    if (isRead && !(await isPostgresBusy(services)))
      throw new UnreachableError(
        `Postgres did not answer within ${checkAfterMs / 1_000} s: check its load and the connection to it`,
      )
  }
}
