import type { IncomingMessage } from 'node:http'

export type BodyVerdict =
  | { readonly status: 'read'; readonly body: Buffer }
  | { readonly status: 'too large' }
  /** The sender went away before the end. */
  | { readonly status: 'aborted' }

/**
 * Reads a request's body, at most `maxBytes` of it: what is announced or sent beyond is not kept, chunked or not.
 * The rest of a body that is too large is left to Node, which discards it once the answer is sent.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyVerdict> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve({ status: 'too large' })
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const finish = (verdict: BodyVerdict): void => {
      request.off('data', onData).off('end', onEnd).off('close', onAbort).off('error', onAbort)
      resolve(verdict)
    }
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > maxBytes) finish({ status: 'too large' })
      else chunks.push(chunk)
    }
    const onEnd = (): void => {
      const [first] = chunks
      finish({
        status: 'read',
        body: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, bytes),
      })
    }
    const onAbort = (): void => finish({ status: 'aborted' })
    request.on('data', onData).on('end', onEnd).on('close', onAbort).on('error', onAbort)
  })
}
