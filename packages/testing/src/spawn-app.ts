import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

export interface SpawnAppOptions {
  readonly args?: readonly string[]
  /** Resolve only once a line of the output matches. */
  readonly readyLine?: RegExp
  /** Resolve only once this URL answers with a 2xx status. */
  readonly readyUrl?: string
  /** How long to wait for readiness; 30 s by default. */
  readonly timeoutMs?: number
}

export interface AppExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A real Warmhook process. Disposing it sends SIGTERM, then SIGKILL if it does not stop. */
export interface SpawnedApp extends AsyncDisposable {
  readonly pid: number
  /** The output so far in order of arrival, of both streams or of one. */
  output(stream?: 'stdout' | 'stderr'): string
  /** The first line that matches, past or future. Fails with the output if the process ends first. */
  waitForLine(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  kill(signal: NodeJS.Signals): void
  readonly exited: Promise<AppExit>
}

// Longer than any Warmhook process may take to drain.
const stopTimeoutMs = 30_000

/**
 * Starts a TypeScript file as a separate process. Its environment contains only the given variables, PATH, HOME and
 * TMPDIR.
 *
 * @param entry from the root of the repository, for example `apps/ingress/src/main.ts`
 */
export async function spawnApp(
  entry: string,
  env: Readonly<Record<string, string>>,
  { args = [], readyLine, readyUrl, timeoutMs = 30_000 }: SpawnAppOptions = {},
): Promise<SpawnedApp> {
  const { PATH, HOME, TMPDIR } = process.env
  const root = resolve(import.meta.dirname, '../../..')
  const child = spawn(process.execPath, [resolve(root, entry), ...args], {
    cwd: root,
    env: { PATH, HOME, TMPDIR, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await once(child, 'spawn')
  const app = toApp(child)
  try {
    if (readyLine !== undefined) await app.waitForLine(readyLine, timeoutMs)
    if (readyUrl !== undefined) {
      await waitWhileRunning(
        child,
        () => app.output(),
        `answer at ${readyUrl}`,
        timeoutMs,
        () => answersWell(readyUrl),
      )
    }
    return app
  } catch (error) {
    child.kill('SIGKILL')
    await app.exited
    throw error
  }
}

function toApp(child: ChildProcess): SpawnedApp {
  const printed: { readonly stream: 'stdout' | 'stderr'; readonly line: string }[] = []
  for (const stream of ['stdout', 'stderr'] as const) {
    const input = child[stream]
    if (input !== null) createInterface({ input }).on('line', (line) => printed.push({ stream, line }))
  }
  const linesOf = (only?: 'stdout' | 'stderr'): readonly string[] =>
    printed.filter(({ stream }) => only === undefined || stream === only).map(({ line }) => line)
  const exited = once(child, 'close').then((): AppExit => ({ code: child.exitCode, signal: child.signalCode }))
  const output = (stream?: 'stdout' | 'stderr') => linesOf(stream).join('\n')
  const stop = async () => {
    child.kill('SIGTERM')
    const deadline = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    await exited
    clearTimeout(deadline)
  }
  return {
    pid: child.pid ?? Number.NaN,
    output,
    exited,
    kill: (signal) => void child.kill(signal),
    waitForLine: (pattern, timeoutMs = 30_000) =>
      waitWhileRunning(child, output, `print a line like ${String(pattern)}`, timeoutMs, () =>
        firstMatch(linesOf(), pattern),
      ),
    [Symbol.asyncDispose]: stop,
  }
}

async function waitWhileRunning<T>(
  child: ChildProcess,
  output: () => string,
  what: string,
  timeoutMs: number,
  probe: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const ended = child.exitCode ?? child.signalCode
    // Probed after the exit code is read, so that the last line of a process counts.
    const found = await probe()
    if (found !== undefined) return found
    if (ended !== null)
      throw new Error(`the process ended (${ended}) before it would ${what}; its output:\n${output()}`)
    if (Date.now() > deadline)
      throw new Error(`the process did not ${what} within ${timeoutMs} ms; its output:\n${output()}`)
    await delay(20)
  }
}

function firstMatch(lines: readonly string[], pattern: RegExp): RegExpExecArray | undefined {
  for (const line of lines) {
    const match = pattern.exec(line)
    if (match !== null) return match
  }
  return undefined
}

async function answersWell(url: string): Promise<true | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) })
    await response.body?.cancel()
    return response.ok || undefined
  } catch {
    // Refused or too slow: not ready yet.
    return undefined
  }
}
