import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { eventBody } from './event-body.ts'

/*
 * A process of its own: sends the events `first` to `first + count - 1`, each once, and prints what came of it as JSON.
 * With a rate it is an open loop: an event is due by the clock, whatever became of the ones before it, and its latency
 * counts from then on, not from when a connection was free (which would omit what a stalled server makes others wait).
 *
 * Events before these can warm both sides up, this process too: then it says so, and goes on with a line of input.
 */

export interface SendOptions {
  readonly url: string
  readonly path: string
  readonly first: number
  readonly count: number
  readonly connections: number
  /** So many events go before `first`, as fast as the answers come. */
  readonly warmUp?: number
  /** Events per second; undefined: as fast as the answers come. */
  readonly perSecond?: number
  /** So many of the first events are sent like the others, but not measured. */
  readonly leadIn?: number
  /** Where to write each event's id and the time of its answer (ms since the epoch). */
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
    body: eventBody(n),
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

/** A timer is a millisecond or more late: with time to spare it ends before, and the event loop turns until then. */
async function untilDue(dueAt: number): Promise<void> {
  const spareMs = dueAt - performance.now()
  if (spareMs < 5) return delay(1)
  await delay(spareMs - 2)
  while (performance.now() < dueAt) await nextTurn()
}

async function warmUp(count: number): Promise<void> {
  await sendInClosedLoop(options.first - count, count)
  if (acked !== count) throw new Error(`${acked} of ${count} events before the measurement were answered with 202`)
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
