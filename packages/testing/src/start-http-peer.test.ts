import { describe, expect, it } from 'vitest'
import { startHttpPeer } from './start-http-peer.ts'

describe('startHttpPeer', () => {
  it("records requests and sends the handler's response", async () => {
    await using peer = await startHttpPeer(({ body }) =>
      Response.json({ echo: body }, { status: 429, headers: { 'retry-after': '3' } }),
    )
    const response = await fetch(`${peer.url}/contacts?limit=2`, {
      method: 'PUT',
      body: 'hello',
      headers: { 'x-key': 'k' },
    })
    expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([
      429,
      '3',
      { echo: 'hello' },
    ])
    expect(peer.requests).toMatchObject([
      { method: 'PUT', path: '/contacts?limit=2', headers: { 'x-key': 'k' }, body: 'hello' },
    ])
  })

  it('breaks the connection when the handler throws', async () => {
    await using peer = await startHttpPeer(() => {
      throw new Error('gone')
    })
    await expect(fetch(peer.url)).rejects.toThrow('fetch failed')
  })

  it('stops while a request hangs, and can be stopped twice', async () => {
    const peer = await startHttpPeer(() => new Promise(() => {}))
    const hanging = fetch(peer.url).catch(String)
    await expect.poll(() => peer.requests.length).toBe(1)
    await peer[Symbol.asyncDispose]()
    await peer[Symbol.asyncDispose]()
    await expect(hanging).resolves.toContain('fetch failed')
  })
})
