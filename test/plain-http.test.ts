import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstallation, type Installation } from './support/start-installation.ts'

/** Sends text over a new socket, and returns the whole response. */
async function speak(url: string, message: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(message)
  return text(socket)
}

describe('HTTP from old and unusual clients', { timeout: 60_000 }, () => {
  let site: Installation
  let path: string
  beforeAll(async () => {
    site = await startInstallation()
    path = `/webhooks/mailivery/${site.env['WARMHOOK_ENDPOINT_KEY']}`
  }, 60_000)
  afterAll(() => site[Symbol.asyncDispose]())

  const post = (target: string, headers = '', version = '1.1'): Promise<string> =>
    speak(
      site.ingressUrl,
      `POST ${target} HTTP/${version}\r\n${headers}connection: close\r\ncontent-length: 2\r\n\r\n{}`,
    )

  it.each(['ingress', 'worker', 'board'] as const)(
    'HTTP/1.0 without a Host is answered by the %s, as by HAProxy’s default health check',
    async (name) => {
      const urls = { ingress: site.ingressUrl, worker: site.workerUrl, board: site.boardUrl }
      for (const method of ['GET', 'HEAD', 'OPTIONS'])
        expect(await speak(urls[name], `${method} /healthz HTTP/1.0\r\n\r\n`)).not.toMatch(/^(HTTP\/1\.\d (400|500)|$)/)
      expect(await speak(urls[name], 'GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.\d 200 /)
      expect(await speak(urls[name], 'GET /metrics HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.\d 200 /)
    },
  )

  it('a webhook over HTTP/1.0 without a Host is accepted', async () => {
    expect(await post(path, '', '1.0')).toMatch(/^HTTP\/1\.\d 202 /)
  })

  it.each([
    ['a trailing slash', (url: string) => `${url}/`],
    ['doubled slashes', (url: string) => url.replaceAll('/', '//')],
    ['many slashes', (url: string) => `${url.replaceAll('/', '///')}//`],
    ['a query', (url: string) => `${url}?a=/b/`],
    ['a trailing slash and a query', (url: string) => `${url}/?a=b`],
    ['a source in upper case', (url: string) => url.replace('mailivery', 'Mailivery')],
    ['an escaped key', (url: string) => url.replaceAll('-', '%2D')],
    ['the whole URL', (url: string) => `http://elsewhere.example${url}`],
  ])('a webhook to a path with %s is accepted', async (_name, change) => {
    expect(await post(change(path), 'host: x\r\n')).toMatch(/^HTTP\/1\.1 202 /)
  })

  it.each(['expect: 100-continue\r\n', 'expect: something-else\r\n', 'host: EXAMPLE.com:80\r\n', 'upgrade: h2c\r\n'])(
    'a webhook with %j is accepted',
    async (header) => {
      const host = header.startsWith('host') ? '' : 'host: x\r\n'
      expect(await post(path, `${host}${header}`)).toMatch(/^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 202 /)
    },
  )

  it.each([
    ['GET', '/webhooks/mailivery/any-key', 'POST'],
    ['HEAD', '/webhooks/mailivery/any-key', 'POST'],
    ['PUT', '/webhooks/nobody/any-key/', 'POST'],
    ['OPTIONS', '/webhooks/mailivery/any-key', 'POST'],
    ['PROPFIND', '/webhooks/mailivery/any-key', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['DELETE', '/readyz/', 'GET, HEAD'],
    ['PATCH', '//metrics', 'GET, HEAD'],
  ])('the ingress answers %s %s with 405 and an Allow header', async (method, target, allow) => {
    const answer = await speak(
      site.ingressUrl,
      `${method} ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 405 /)
    expect(answer.toLowerCase()).toContain(`allow: ${allow.toLowerCase()}\r\n`)
  })

  it.each([
    ['POST', '/healthz'],
    ['PUT', '/readyz'],
    ['DELETE', '/metrics/'],
  ])('the worker answers %s %s with 405', async (method, target) => {
    const response = await fetch(`${site.workerUrl}${target}`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  it.each(['ingress', 'worker'] as const)('the %s ignores extra slashes', async (name) => {
    const url = name === 'ingress' ? site.ingressUrl : site.workerUrl
    for (const target of ['/healthz/', '//healthz', '//metrics//'])
      expect((await fetch(`${url}${target}`)).status).toBe(200)
    expect((await fetch(`${url}/nothing/`)).status).toBe(404)
  })
})
