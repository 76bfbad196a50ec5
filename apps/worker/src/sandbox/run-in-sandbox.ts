import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { unavailableExitCode } from './exit-codes.ts'
import { SandboxMessage, type SandboxRequest } from './sandbox-messages.ts'

export type SandboxOutcome = Extract<SandboxMessage, { kind: 'outcome' }>['outcome']

export type SandboxResult =
  | { readonly status: 'answered'; readonly outcome: SandboxOutcome }
  /** The work crashed its process. */
  | { readonly status: 'crashed'; readonly how: string }
  /** The process could not start, was ended from outside, or got too little CPU time. */
  | { readonly status: 'inconclusive'; readonly why: string }

export type RunInSandbox = (request: SandboxRequest, limitMs: number, signal: AbortSignal) => Promise<SandboxResult>

/**
 * Signals that a process causes itself: faults, `abort()`, excessive CPU time (`watch-sandbox.ts`) or memory (Linux
 * sends SIGKILL). All others are sent by people and supervisors.
 */
const faultSignals: ReadonlySet<string> = new Set([
  'SIGSEGV',
  'SIGBUS',
  'SIGILL',
  'SIGFPE',
  'SIGABRT',
  'SIGTRAP',
  'SIGSYS',
  'SIGXCPU',
  'SIGKILL',
])

/** Runs a request in a separate process, which is killed after `limitMs`. Never throws. */
export async function runInSandbox(
  request: SandboxRequest,
  limitMs: number,
  signal: AbortSignal,
): Promise<SandboxResult> {
  // Detached, because Ctrl-C in a terminal goes to the worker's process group. stderr is ignored, because V8's crash
  // output is not in the log format.
  const child = fork(join(import.meta.dirname, 'main.ts'), {
    detached: true,
    stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
  })
  const messages: SandboxMessage[] = []
  let ended: string | undefined
  const end = (why: string) => () => {
    ended ??= why
    child.kill('SIGKILL')
  }
  const limit = setTimeout(end(`it took longer than ${limitMs} ms`), limitMs)
  const onAbort = end('the worker abandoned the job')
  signal.addEventListener('abort', onAbort)
  child.on('message', (message) => {
    const { data } = SandboxMessage.safeParse(message)
    if (data !== undefined) messages.push(data)
  })
  try {
    if (signal.aborted) onAbort()
    const failure = await closed(child, request)
    return failure === undefined ? toResult(child, messages, ended) : { status: 'inconclusive', why: failure }
  } finally {
    clearTimeout(limit)
    signal.removeEventListener('abort', onAbort)
  }
}

/** Resolves when the process has ended, or to the reason if it never ran. */
function closed(child: ChildProcess, request: SandboxRequest): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('close', () => resolve(undefined))
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(`it could not be started: ${error.message}`)
    })
    // If the process has already ended, its `close` event follows.
    if (child.connected) child.send(request, () => undefined)
  })
}

function toResult(
  { signalCode, exitCode }: ChildProcess,
  messages: readonly SandboxMessage[],
  ended: string | undefined,
): SandboxResult {
  for (const message of messages) {
    if (message.kind === 'outcome') return { status: 'answered', outcome: message.outcome }
    if (message.kind === 'unavailable') return { status: 'inconclusive', why: message.reason }
  }
  if (ended !== undefined) return { status: 'inconclusive', why: ended }
  const how = signalCode ?? `exit code ${exitCode}`
  if (messages.length === 0) return { status: 'inconclusive', why: `it ended with ${how} before it began` }
  const isFault = signalCode === null ? exitCode !== unavailableExitCode : faultSignals.has(signalCode)
  return isFault ? { status: 'crashed', how } : { status: 'inconclusive', why: `it was ended with ${how}` }
}
