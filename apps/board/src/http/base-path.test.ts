import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestBoard, type TestBoard } from '../fixtures/open-test-board.ts'

describe.each(['', '/ops/warmhook'])('a board under the base path "%s"', (basePath) => {
  let board: TestBoard
  beforeAll(async () => {
    board = await openTestBoard('postgres', { basePath })
  })
  afterAll(() => board[Symbol.asyncDispose]())

  /** Every link, script, style and icon of a page. */
  async function linksOf(path: string): Promise<readonly string[]> {
    const page = await (await board.request(path)).text()
    const base = /<base href="([^"]*)"/.exec(page)?.[1] ?? `${basePath}/`
    return [...page.matchAll(/(?:href|src|data-overview)="([^"]+)"/g)]
      .map(([, link = '']) => new URL(link, `http://board${base}`))
      .filter(({ host }) => host === 'board')
      .map(({ pathname, search }) => pathname + search)
  }

  it.each(['/', '/queues', '/queues/', '/queues/queue/notify'])(
    'links only to existing paths, from %s',
    async (path) => {
      const links = await linksOf(basePath + path)
      expect(links.length).toBeGreaterThan(3)
      for (const link of links) {
        expect(link.startsWith(basePath)).toBe(true)
        expect([link, (await board.request(link)).status]).toEqual([link, 200])
      }
    },
  )

  it.each(['/api/stats', '/queues', '/metrics', '/healthz', '/overview', '/queues/api/queues', '/favicon.ico'])(
    'answers %s with and without the prefix, and with trailing and duplicate slashes',
    async (path) => {
      for (const variant of [basePath + path, path, `${basePath}${path}/`, `${basePath}/${path}`])
        expect([variant, (await board.request(variant)).status]).toEqual([variant, 200])
    },
  )

  it('answers the root without a slash', async () => {
    expect((await board.request(basePath === '' ? '/' : basePath)).status).toBe(200)
    expect(await board.get(`${basePath}/api/openapi.json`)).toMatchObject({ servers: [{ url: `${basePath}/api` }] })
  })

  it('asks for a password under the prefix and without it', async () => {
    for (const path of ['/', '/api/stats', '/queues', `${basePath}/api/stats`, `${basePath}//api/stats`])
      expect((await board.anonymous(path)).status).toBe(401)
  })

  it.each([
    ['OPTIONS', '/healthz', 'GET, HEAD'],
    ['POST', '/metrics', 'GET, HEAD'],
    ['POST', '/api/stats', 'GET, HEAD'],
    ['GET', '/api/replays', 'POST'],
    ['DELETE', '/', 'GET, HEAD'],
    ['PATCH', '/api/handlers/notify/pause', 'POST'],
    ['POST', '/queues', 'GET, HEAD'],
  ])('says which methods a route takes: %s %s', async (method, path, allow) => {
    const response = await board.request(basePath + path, { method })
    expect((await board.anonymous(basePath + path)).status).toBe(['/healthz', '/metrics'].includes(path) ? 200 : 401)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe(allow)
    expect(await response.json()).toMatchObject({ status: 405, detail: expect.stringContaining(method) })
  })

  it('answers 404 to an unknown path with any method', async () => {
    for (const method of ['GET', 'POST', 'DELETE'])
      expect((await board.request(`${basePath}/nothing`, { method })).status).toBe(404)
  })
})
