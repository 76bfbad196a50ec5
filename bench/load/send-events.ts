import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { eventBody } from './event-body.ts'

/*
 * Runs as a separate process: sends the events `first` to `first + count - 1`, each once, and prints the result as
 * JSON. With a rate it is an open loop: each event has a scheduled send time that does not depend on earlier events.
 * Latency is measured from that time, not from when a connection became free (which would hide the delay that a stalled
 * server causes).
 *
 * Earlier events can warm up the server and this process: it then prints `warm` and waits for a line of input.
 */

export interface SendOptions {
  readonly url: string
  readonly path: string
  readonly first: number
  readonly count: number
  readonly connections: number
  /** Number of different mailboxes. */
  readonly mailboxes?: number
  /** Number of warm-up events, numbered before `first`, sent in a closed loop. */
  readonly warmUp?: number
  /** Events per second; undefined means a closed loop. */
  readonly perSecond?: number
  /** Number of leading events that are sent but not measured. */
  readonly leadIn?: number
  /** Where to write each event's id and response time (ms since the epoch). */
  readonly acksFile?: string
}

export interface SendResult {
  readonly sent: number
  readonly acked: number
  readonly seconds: number
  /** In ms. */
  readonly ack: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number }
}

const options = JSON.parse(process.argv[2] ?? '{}') as SendOptions
const pool = new Pool(options.url, { connections: options.connections, pipelining: 1 })
const latencies = createHistogram()
const acks: string[] = []
let acked = 0

async function send(n: number, dueAt: number): Promise<void> {
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: options.path,
    headers: { 'content-type': 'application/json' },
    body: eventBody(n, options.mailboxes),
  })
  const answer = await body.text()
  const now = performance.now()
  const isMeasured = n >= options.first + (options.leadIn ?? 0)
  if (isMeasured) latencies.record(Math.max(1, Math.round((now - dueAt) * 1e6)))
  if (statusCode !== 202) return
  acked += 1
  if (isMeasured && options.acksFile !== undefined)
    acks.push(`${(JSON.parse(answer) as { id: string }).id} ${performance.timeOrigin + now}`)
}

async function sendInClosedLoop(first: number, count: number): Promise<void> {
  let next = 0
  const sendNext = async (): Promise<void> => {
    while (next < count) await send(first + next++, performance.now())
  }
  await Promise.all(Array.from({ length: options.connections }, sendNext))
}

async function sendInOpenLoop(perSecond: number): Promise<void> {
  const startedAt = performance.now()
  const pending: Promise<void>[] = []
  while (pending.length < options.count) {
    const due = Math.min(options.count, Math.floor(((performance.now() - startedAt) * perSecond) / 1_000) + 1)
    while (pending.length < due) {
      const n = pending.length
      pending.push(send(options.first + n, startedAt + (n * 1_000) / perSecond))
    }
    await untilDue(startedAt + (pending.length * 1_000) / perSecond)
  }
  await Promise.all(pending)
}

/**
 * Timers fire a millisecond or more late: with time to spare the timer ends early, and the event loop spins for the
 * rest.
 */
async function untilDue(dueAt: number): Promise<void> {
  const spareMs = dueAt - performance.now()
  if (spareMs < 5) return delay(1)
  await delay(spareMs - 2)
  while (performance.now() < dueAt) await nextTurn()
}

async function warmUp(count: number): Promise<void> {
  await sendInClosedLoop(options.first - count, count)
  if (acked !== count) throw new Error(`${acked} of ${count} warm-up events were answered with 202`)
  acked = 0
  process.stdout.write('warm\n')
  await once(process.stdin, 'data')
  process.stdin.destroy()
}

if (options.warmUp !== undefined) await warmUp(options.warmUp)
const startedAt = performance.now()
await (options.perSecond === undefined
  ? sendInClosedLoop(options.first, options.count)
  : sendInOpenLoop(options.perSecond))
const seconds = (performance.now() - startedAt) / 1_000
await pool.close()
if (options.acksFile !== undefined) writeFileSync(options.acksFile, acks.join('\n'))
const at = (percentile: number): number => latencies.percentile(percentile) / 1e6
const result: SendResult = {
  sent: options.count,
  acked,
  seconds,
  ack: { p50: at(50), p99: at(99), p999: at(99.9), max: latencies.max / 1e6 },
}
process.stdout.write(`${JSON.stringify(result)}\n`)
