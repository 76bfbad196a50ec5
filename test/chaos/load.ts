import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { chaosEvent } from './chaos-event.ts'
import type { AcceptedEvent } from './outcome-tracker.ts'

export interface LoadOptions {
  readonly url: string
  readonly path: string
  readonly perSecond: number
  readonly mailboxes: number
  readonly onAck: (id: string, event: AcceptedEvent) => void
}

/** A sender that never retries, like Mailivery. Disposing it stops sending and waits for pending responses. */
export interface Load extends AsyncDisposable {
  /** The number of events sent so far, numbered from 0 to `sent - 1`. */
  readonly sent: number
  /** The id that event `n` was accepted with; undefined if it was not accepted. */
  ackOf(n: number): string | undefined
  /** Whether event `n` got a response other than 202. An event without a response may or may not have been accepted. */
  isRefused(n: number): boolean
}

/** Limits the sender's memory if the server hangs. */
const maxPending = 20_000
const answerTimeoutMs = 15_000

/** An open loop: events are sent on schedule, independently of earlier responses. */
export function startLoad(options: LoadOptions): Load {
  const pool = new Pool(options.url, { connections: 64, pipelining: 1 })
  const acks = new Map<number, string>()
  const refused = new Set<number>()
  const stop = new AbortController()
  const pending = new Set<Promise<void>>()
  let sent = 0

  async function send(n: number): Promise<void> {
    const sentAt = Date.now()
    try {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: options.path,
        headers: { 'content-type': 'application/json' },
        body: chaosEvent(n, options.mailboxes),
        headersTimeout: answerTimeoutMs,
        bodyTimeout: answerTimeoutMs,
      })
      const answer = await body.text()
      if (statusCode !== 202) return void refused.add(n)
      const { id } = JSON.parse(answer) as { id: string }
      acks.set(n, id)
      options.onAck(id, { sentAt, ackedAt: Date.now() })
    } catch {
      // The connection broke, so it is unknown whether the event was accepted.
    }
  }

  async function run(): Promise<void> {
    let last = performance.now()
    let due = 0
    while (!stop.signal.aborted) {
      await delay(10)
      const now = performance.now()
      due = Math.min(due + ((now - last) * options.perSecond) / 1_000, options.perSecond)
      last = now
      for (; due >= 1; due -= 1) {
        if (pending.size >= maxPending) continue
        const request: Promise<void> = send(sent++).finally(() => pending.delete(request))
        pending.add(request)
      }
    }
    await Promise.all(pending)
    await pool.destroy()
  }

  const running = run()
  return {
    get sent() {
      return sent
    },
    ackOf: (n) => acks.get(n),
    isRefused: (n) => refused.has(n),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}
