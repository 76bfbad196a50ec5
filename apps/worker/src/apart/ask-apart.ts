import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ApartReply, type ApartRequest } from './apart-messages.ts'

/** The child's answer, or how it died without one. */
export type ApartResult =
  | { readonly ok: true; readonly reply: ApartReply }
  | { readonly ok: false; readonly death: string }

export type AskApart = (request: ApartRequest, limitMs: number) => Promise<ApartResult>

/** Has a request answered by a process of its own, which is killed after `limitMs`. */
export async function askApart(request: ApartRequest, limitMs: number): Promise<ApartResult> {
  const child = fork(join(import.meta.dirname, 'main.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
  let reply: ApartReply | undefined
  child.once('message', (message) => {
    reply = ApartReply.parse(message)
  })
  child.send(request)
  await once(child, 'close')
  clearTimeout(limit)
  if (reply !== undefined) return { ok: true, reply }
  return { ok: false, death: child.signalCode ?? `exit code ${child.exitCode}` }
}
