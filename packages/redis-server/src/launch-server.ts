import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { DataDirClaim } from './claim-data-dir.ts'
import type { RedisBinary } from './find-redis-binary.ts'
import { identifyServer, type ServerAddress } from './identify-server.ts'
import { type RedisConfig, toRedisConfig } from './redis-config.ts'
import type { RedisServer, RedisServerExit } from './redis-server.ts'
import { RedisServerError } from './redis-server-error.ts'

export interface LaunchOptions {
  readonly binary: RedisBinary
  readonly config: RedisConfig
  readonly extraArgs: readonly string[]
  readonly claim: DataDirClaim
  readonly log: (line: string) => void
}

type ServerProcess = ChildProcessByStdio<Writable, Readable, Readable>

const startTimeoutMs = 30_000
// Writing the append-only file can take as long as the disk needs; beyond this limit the server is considered hung.
const stopTimeoutMs = 30_000

/** Starts the program and waits until it answers. On failure nothing is left running; the caller retains the claim. */
export async function launchServer({ binary, config, extraArgs, claim, log }: LaunchOptions): Promise<RedisServer> {
  const child = spawn(binary.file, ['-', ...extraArgs], {
    argv0: binary.argv0,
    cwd: config.dir,
    stdio: ['pipe', 'pipe', 'pipe'],
    // In its own process group: Ctrl-C must not reach Redis, or it would exit before the last jobs are written.
    detached: true,
  })
  const tail = followLog(child, log)
  const logged = once(child, 'close').catch(() => {})
  const ended = waitForEnd(child)
  endWithParent(child, ended)
  // A program that exits immediately closes its input early; its log contains the reason.
  child.stdin.on('error', () => {})
  child.stdin.end(toRedisConfig(config))
  const { pid } = child
  const { port, password } = config
  try {
    if (pid === undefined) throw new Error(`${binary.file} could not be run`, { cause: (await ended).error })
    await claim.record({ pid, port, password })
    await waitUntilReady({ port, password }, pid, ended)
  } catch (error) {
    child.kill('SIGKILL')
    await Promise.race([logged, delay(1_000)])
    throw toStartError(error, port, tail)
  }
  return toServer({ child, pid, config, claim, ended })
}

interface End extends RedisServerExit {
  readonly error?: Error
}

async function waitForEnd(child: ServerProcess): Promise<End> {
  try {
    await once(child, 'exit')
    return { code: child.exitCode, signal: child.signalCode }
  } catch (error) {
    return { code: null, signal: null, error: error instanceof Error ? error : new Error(String(error)) }
  }
}

/** For a parent that exits without disposing, such as after an uncaught error. After SIGKILL, the next start cleans up. */
function endWithParent(child: ServerProcess, ended: Promise<End>): void {
  const end = () => void child.kill('SIGTERM')
  process.once('exit', end)
  void ended.then(() => process.off('exit', end))
}

async function waitUntilReady(address: ServerAddress, pid: number, ended: Promise<End>): Promise<void> {
  const end = ended.then((exit) => ({ status: 'ended' as const, exit }))
  let deadline = Date.now() + startTimeoutMs
  for (let waitMs = 10; Date.now() < deadline; waitMs = Math.min(waitMs * 2, 250)) {
    const answer = await Promise.race([end, identifyServer(address, 1_000)])
    if (answer.status === 'ended') throw new Error(`it exited with ${answer.exit.signal ?? `code ${answer.exit.code}`}`)
    if (answer.status === 'answers' && answer.pid === pid) {
      if (!answer.loading) return
      // Loading a large file is progress, no matter how long it takes.
      deadline = Date.now() + startTimeoutMs
    }
    await Promise.race([end, delay(waitMs)])
  }
  throw new Error(`it did not answer within ${startTimeoutMs} ms`)
}

interface LaunchedServer {
  readonly child: ServerProcess
  readonly pid: number
  readonly config: RedisConfig
  readonly claim: DataDirClaim
  readonly ended: Promise<End>
}

function toServer({ child, pid, config: { port, password }, claim, ended }: LaunchedServer): RedisServer {
  const exited = ended.then(async ({ code, signal }) => {
    await claim.release()
    return { code, signal }
  })
  const stop = async () => {
    child.kill('SIGTERM')
    const deadline = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    await exited
    clearTimeout(deadline)
  }
  const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  return {
    url: `redis://${credentials}127.0.0.1:${port}`,
    port,
    pid,
    exited,
    stop,
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: stop,
  }
}

function followLog(child: ServerProcess, log: (line: string) => void): readonly string[] {
  const tail: string[] = []
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      tail.push(line)
      if (tail.length > 20) tail.shift()
      log(line)
    })
  }
  return tail
}

function toStartError(cause: unknown, port: number, tail: readonly string[]): RedisServerError {
  const text = tail.join('\n')
  if (/address already in use/i.test(text)) {
    return new RedisServerError('port-in-use', `port ${port} on 127.0.0.1 is in use`, { cause })
  }
  const why = cause instanceof Error ? cause.message : String(cause)
  return new RedisServerError('did-not-start', `Redis did not start: ${why}; last log lines:\n${text || '(none)'}`, {
    cause,
  })
}
