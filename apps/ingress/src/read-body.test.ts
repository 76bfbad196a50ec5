import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { portOf } from '@warmhook/testing/port-of'
import { describe, expect, it } from 'vitest'
import { budgetFor, createByteBudget, type ByteBudget } from './byte-budget.ts'
import { readBody, type BodyVerdict } from './read-body.ts'

/** Sends a request with these chunks to a server, and returns what the server read. */
async function send(
  chunks: readonly string[],
  limits: { readonly maxBytes: number; readonly budget: ByteBudget },
  { announced, ends = true }: { readonly announced?: number; readonly ends?: boolean } = {},
): Promise<BodyVerdict> {
  const verdict = Promise.withResolvers<BodyVerdict>()
  const received = Promise.withResolvers<void>()
  await using server = createServer((request, response) => {
    received.resolve()
    readBody(request, limits).then(verdict.resolve, verdict.reject)
    void verdict.promise.finally(() => response.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect(portOf(server.address()), '127.0.0.1')
  socket.on('error', () => undefined)
  const length = announced === undefined ? 'transfer-encoding: chunked' : `content-length: ${announced}`
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\n${length}\r\n\r\n`)
  await received.promise
  for (const chunk of chunks) {
    socket.write(announced === undefined ? `${chunk.length.toString(16)}\r\n${chunk}\r\n` : chunk)
    // The reader gets each as a separate chunk.
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (!ends) socket.destroy()
  else if (announced === undefined) socket.write('0\r\n\r\n')
  const result = await verdict.promise
  socket.destroy()
  server.closeAllConnections()
  return result
}

const room = () => createByteBudget(1_000_000)
const overhead = 2_048

describe('readBody', () => {
  it.each([[['a body']], [['several ', 'chunks ', 'are one body']], [[]]])('reads all of %j', async (chunks) => {
    const body = chunks.join('')
    for (const announced of [undefined, body.length]) {
      const budget = room()
      const verdict = await send(chunks, { maxBytes: 100, budget }, announced === undefined ? {} : { announced })
      expect(verdict).toMatchObject({ status: 'read', held: overhead + body.length })
      expect(verdict.status === 'read' && verdict.body.toString()).toBe(body)
      expect(budget.hasRoom(1_000_000 - overhead - body.length)).toBe(true)
      expect(budget.hasRoom(1_000_000 - overhead - body.length + 1)).toBe(false)
    }
  })

  it('accepts a body of the maximum size and not a byte more, whether or not its length is declared', async () => {
    const sizes = { maxBytes: 10, budget: room() }
    expect(await send(['0123456789'], sizes)).toMatchObject({ status: 'read' })
    expect(await send(['0123456789'], sizes, { announced: 10 })).toMatchObject({ status: 'read' })
    const empty = room()
    expect(await send(['01234567890'], { maxBytes: 10, budget: empty })).toEqual({ status: 'too large' })
    expect(await send([], { maxBytes: 10, budget: empty }, { announced: 11 })).toEqual({ status: 'too large' })
    expect(empty.hasRoom(1_000_000)).toBe(true)
  })

  it('has no room beyond the budget, and returns what it reserved', async () => {
    const exact = createByteBudget(overhead + 6)
    expect(await send(['012345'], { maxBytes: 100, budget: exact })).toMatchObject({ status: 'read' })
    for (const announced of [undefined, 7]) {
      const budget = createByteBudget(overhead + 6)
      const options = announced === undefined ? {} : { announced }
      expect(await send(['012', '3456'], { maxBytes: 100, budget }, options)).toEqual({ status: 'no room' })
      expect(budget.hasRoom(overhead + 6)).toBe(true)
    }
  })

  it('returns everything to the budget when the sender disconnects', async () => {
    const budget = room()
    expect(await send(['half'], { maxBytes: 100, budget }, { announced: 8, ends: false })).toEqual({
      status: 'aborted',
    })
    expect(budget.hasRoom(1_000_000)).toBe(true)
  })
})

describe('budgetFor', () => {
  it('is 64 MiB, or room for eight bodies of the maximum size', () => {
    const mebibyte = 1024 * 1024
    expect([1, 8 * mebibyte, 16 * mebibyte].map(budgetFor)).toEqual([64 * mebibyte, 64 * mebibyte, 128 * mebibyte])
  })
})
