import type { IncomingMessage } from 'node:http'
import type { ByteBudget } from './byte-budget.ts'

export type BodyVerdict =
  /** `held` bytes of the budget are the caller's to give back. */
  | { readonly status: 'read'; readonly body: Buffer; readonly held: number }
  | { readonly status: 'too large' }
  /** Other requests hold what memory there is. */
  | { readonly status: 'no room' }
  /** The sender disconnected before the end. */
  | { readonly status: 'aborted' }

export interface BodyLimits {
  /** Of one body. */
  readonly maxBytes: number
  /** Of all requests. */
  readonly budget: ByteBudget
}

/** What a request takes beside its body: its objects, its envelope, its place in the queue. */
const requestBytes = 2_048

/**
 * Reads a request's body within the limits: what is announced or sent beyond is not kept, chunked or not.
 * The rest of a body that is refused is left to Node, which discards it once the answer is sent.
 */
export function readBody(request: IncomingMessage, { maxBytes, budget }: BodyLimits): Promise<BodyVerdict> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) return Promise.resolve({ status: 'too large' })
  // Only what has come is taken: a sender that announces much and sends nothing takes nothing from others.
  if (!budget.hasRoom(requestBytes + announced) || !budget.take(requestBytes))
    return Promise.resolve({ status: 'no room' })
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const finish = (verdict: BodyVerdict): void => {
      request.off('data', onData).off('end', onEnd).off('close', onAbort).off('error', onAbort)
      if (verdict.status !== 'read') budget.give(requestBytes + bytes)
      resolve(verdict)
    }
    const onData = (chunk: Buffer): void => {
      if (bytes + chunk.length > maxBytes) return finish({ status: 'too large' })
      if (!budget.take(chunk.length)) return finish({ status: 'no room' })
      bytes += chunk.length
      chunks.push(chunk)
    }
    const onEnd = (): void => {
      const [first] = chunks
      const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, bytes)
      finish({ status: 'read', body, held: requestBytes + bytes })
    }
    const onAbort = (): void => finish({ status: 'aborted' })
    request.on('data', onData).on('end', onEnd).on('close', onAbort).on('error', onAbort)
  })
}
