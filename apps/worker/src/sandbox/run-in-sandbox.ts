import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { unavailableExitCode } from './exit-codes.ts'
import { SandboxMessage, type SandboxRequest } from './sandbox-messages.ts'

export type SandboxOutcome = Extract<SandboxMessage, { kind: 'outcome' }>['outcome']

export type SandboxResult =
  | { readonly status: 'answered'; readonly outcome: SandboxOutcome }
  /** The work ended its process. */
  | { readonly status: 'crashed'; readonly how: string }
  /** The process could not begin, was ended from outside, or got too little processor: no verdict. */
  | { readonly status: 'inconclusive'; readonly why: string }

export type RunInSandbox = (request: SandboxRequest, limitMs: number, signal: AbortSignal) => Promise<SandboxResult>

/**
 * What a process does to itself: faults, `abort()`, the use of too much processor (`watch-sandbox.ts`) or of too much
 * memory, for which Linux sends SIGKILL. All others are sent by people and supervisors.
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

/** Has a request answered by a process of its own, which is ended after `limitMs`. Never throws. */
export async function runInSandbox(
  request: SandboxRequest,
  limitMs: number,
  signal: AbortSignal,
): Promise<SandboxResult> {
  // A process group of its own: Ctrl-C in a terminal goes to the group of the worker. What V8 writes when it crashes is no line of a log.
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
  const onAbort = end('the worker gave the job up')
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

/** Resolves when the process has ended; to the reason where it never ran. */
function closed(child: ChildProcess, request: SandboxRequest): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('close', () => resolve(undefined))
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(`it could not be started: ${error.message}`)
    })
    // A process that has ended meanwhile is seen by its close.
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
