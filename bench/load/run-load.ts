import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { endpointPath } from '../support/open-site.ts'
import { bodyTemplate, eventBody, mailboxCount } from './event-body.ts'
import type { SendOptions, SendResult } from './send-events.ts'

const run = promisify(execFile)

/** Sends a given number of events from a separate process. The warm-up events are sent before `whenWarm` is called. */
export async function sendEvents(options: SendOptions, whenWarm?: () => Promise<void>): Promise<SendResult> {
  const running = run(process.execPath, [join(import.meta.dirname, 'send-events.ts'), JSON.stringify(options)])
  const { stdin, stdout: output } = running.child
  if (whenWarm !== undefined && output !== null) {
    await Promise.race([once(output, 'data'), running])
    await whenWarm()
    stdin?.write('go\n')
  }
  const { stdout } = await running
  const result = JSON.parse(stdout.split('\n').at(-2) ?? '') as SendResult
  if (result.acked !== result.sent) throw new Error(`${result.acked} of ${result.sent} events were answered with 202`)
  return result
}

export interface Throughput {
  readonly acked: number
  readonly perSecond: number
}

/**
 * Sends as many requests as `url` answers within `seconds`, with wrk, or with autocannon if wrk is not installed. wrk
 * replaces `%d` in the path with the numbers from 1 to 10,000 in turn, autocannon with 1.
 */
export async function floodFor(
  seconds: number,
  url: string,
  connections: number,
  path = endpointPath,
): Promise<Throughput> {
  const flood = (await hasWrk()) ? floodByWrk : floodByAutocannon
  return flood(seconds, url, connections, path)
}

async function hasWrk(): Promise<boolean> {
  return run('wrk', ['--version']).then(
    () => true,
    // wrk prints its version and exits with 1.
    (error: unknown) => error instanceof Error && 'code' in error && error.code !== 'ENOENT',
  )
}

async function floodByWrk(seconds: number, url: string, connections: number, path: string): Promise<Throughput> {
  const script = join(import.meta.dirname, 'wrk-post.lua')
  const limits = ['-t1', `-c${connections}`, `-d${seconds}s`]
  const { stdout } = await run('wrk', [...limits, '-s', script, url, '--', path, bodyTemplate, String(mailboxCount)])
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`not every request was accepted:\n${stdout}`)
  const acked = Number(/(\d+) requests in/.exec(stdout)?.[1])
  return { acked, perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]) }
}

async function floodByAutocannon(seconds: number, url: string, connections: number, path: string): Promise<Throughput> {
  const options = ['--json', '-m', 'POST', '-c', String(connections), '-d', String(seconds), '-b', eventBody(1)]
  const { stdout } = await run('autocannon', [...options, `${url}${path.replace('%d', '1')}`], { maxBuffer: 2 ** 24 })
  const result = JSON.parse(stdout) as { '2xx': number; non2xx: number; errors: number; duration: number }
  if (result.non2xx + result.errors > 0) throw new Error(`${result.non2xx + result.errors} requests were not accepted`)
  return { acked: result['2xx'], perSecond: result['2xx'] / result.duration }
}
