import type { IncomingMessage } from 'node:http'
import type { ByteBudget } from './byte-budget.ts'

export type BodyVerdict =
  /** The caller must return `held` bytes to the budget. */
  | { readonly status: 'read'; readonly body: Buffer; readonly held: number }
  | { readonly status: 'too large' }
  /** Other requests use up the memory budget. */
  | { readonly status: 'no room' }
  /** The sender disconnected before the end. */
  | { readonly status: 'aborted' }

export interface BodyLimits {
  /** For one body. */
  readonly maxBytes: number
  /** For all requests. */
  readonly budget: ByteBudget
}

/** The memory of a request in addition to its body: objects, envelope and queue entry. */
const requestBytes = 2_048

/**
 * Reads a request's body within the limits, whether its length is declared or it is chunked. Node discards the rest of
 * a rejected body once the response is sent.
 */
export function readBody(request: IncomingMessage, { maxBytes, budget }: BodyLimits): Promise<BodyVerdict> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) return Promise.resolve({ status: 'too large' })
  // Only received bytes are reserved: a sender that declares a large body but sends nothing does not block others.
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
