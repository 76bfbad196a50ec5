import { setTimeout as delay } from 'node:timers/promises'
import type { MiddlewareHandler } from 'hono'
import { findUnreachable, isPostgresBusy, type Services } from './find-unreachable.ts'
import { unreachable, UnreachableError } from './unreachable-error.ts'

/** How long an answer may take before the services are asked whether they are there; they have a second for that. */
const patienceMs = 3_000

/**
 * Answers for a service that has gone silent in the middle of a request. A command to Redis ends by itself within a
 * second, so what a read waits for any longer is Postgres: at work on a long statement, or silent on this connection only.
 * A write may take its time while both services answer.
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

/** Rejects when the answer can't be waited for. */
async function watch(services: Services, isRead: boolean, signal: AbortSignal): Promise<never> {
  for (;;) {
    await delay(patienceMs, undefined, { signal, ref: false })
    const silent = await findUnreachable(services)
    if (silent.length > 0) throw unreachable(silent)
    if (isRead && !(await isPostgresBusy(services)))
      throw new UnreachableError(
        `Postgres has not answered within ${patienceMs / 1_000} s: check its load, and the connection to it`,
      )
  }
}
