import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { describe, expect, it } from 'vitest'
import { createPeerClient, type PeerClient } from './create-peer-client.ts'

const signal = new AbortController().signal
const limits = { requestMs: 500, maxAnswerBytes: 1_000 }

/** A peer whose connections can stop answering, as if a gateway had dropped them. New connections work. */
async function startForgetfulPeer() {
  const silent = new Set<Socket>()
  const sockets = new Set<Socket>()
  const server: Server = createServer((request, response) => {
    request.resume().once('end', () => silent.has(request.socket) || response.end('ok'))
  })
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    sockets,
    forget: () => sockets.forEach((socket) => silent.add(socket)),
    [Symbol.dispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function call(post: PeerClient, url: URL) {
  return post({ url, body: {}, signal })
}

describe('createPeerClient', () => {
  it('reuses connections', async () => {
    using peer = await startForgetfulPeer()
    const post = createPeerClient(limits)
    for (let times = 0; times < 8; times += 1) expect(await call(post, peer.url)).toMatchObject({ status: 200 })
    // An immediate second call can come before the first connection is marked as free.
    expect(peer.sockets.size).toBeLessThanOrEqual(2)
  })

  it('replaces all unresponsive connections after one call without an answer', async () => {
    using peer = await startForgetfulPeer()
    const post = createPeerClient(limits)
    await Promise.all(Array.from({ length: 4 }, () => call(post, peer.url)))
    expect(peer.sockets.size).toBe(4)
    peer.forget()
    expect(await call(post, peer.url)).toEqual({ status: 'none', fault: 'TimeoutError', isSent: true })
    const answers = await Promise.all(Array.from({ length: 4 }, () => call(post, peer.url)))
    expect(answers).toMatchObject(Array.from({ length: 4 }, () => ({ status: 200, body: 'ok' })))
  })

  it('applies the time limit to the body as well', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('12345')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    expect(await call(createPeerClient(limits), url)).toMatchObject({ status: 'none', isSent: true })
    server.closeAllConnections()
    server.close()
  })

  it('limits the size of an answer', async () => {
    let length = 1_000
    await using peer = await startHttpPeer(() => new Response('x'.repeat(length)))
    expect(await call(createPeerClient(limits), new URL(peer.url))).toMatchObject({ body: 'x'.repeat(1_000) })
    length += 1
    expect(await call(createPeerClient(limits), new URL(peer.url))).toMatchObject({ fault: 'RangeError' })
  })

  it('reports whether the request was sent', async () => {
    const post = createPeerClient(limits)
    expect(await call(post, new URL('http://127.0.0.1:1'))).toMatchObject({ fault: 'ECONNREFUSED', isSent: false })
    await using peer = await startHttpPeer(() => {
      throw new Error('the answer is lost')
    })
    expect(await call(post, new URL(peer.url))).toMatchObject({ status: 'none', isSent: true })
  })

  it('does not follow redirects, which could leak the credentials', async () => {
    await using peer = await startHttpPeer(() => new Response(null, { status: 307, headers: { location: '/there' } }))
    expect(await call(createPeerClient(limits), new URL(peer.url))).toMatchObject({ status: 307 })
    expect(peer.requests).toHaveLength(1)
  })
})
