import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestBoard, type TestBoard } from '../fixtures/open-test-board.ts'

describe('a write to the board', () => {
  let board: TestBoard
  beforeAll(async () => {
    board = await openTestBoard('postgres')
  })
  afterAll(() => board[Symbol.asyncDispose]())

  const allowed: readonly Readonly<Record<string, string>>[] = [
    {},
    { origin: 'http://localhost' },
    { origin: 'https://localhost', host: 'LocalHost:443' },
    { origin: 'http://Board.Example:80', host: 'board.example' },
    { origin: 'http://board.example:8080', host: 'board.example:8080' },
    { origin: 'http://[::1]:3001', host: '[::1]:3001' },
    // A TLS proxy that uses another host name.
    { origin: 'https://board.example', host: '10.0.0.7:3001', 'sec-fetch-site': 'same-origin' },
    { origin: 'null', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
  ]
  const refused: readonly Readonly<Record<string, string>>[] = [
    { origin: 'https://evil.example' },
    { origin: 'http://localhost:3001', host: 'localhost' },
    { origin: 'http://localhost.evil.example', host: 'localhost' },
    { origin: 'null' },
    { origin: 'localhost' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'unheard-of' },
    { origin: 'http://localhost', 'sec-fetch-site': 'cross-site' },
  ]

  async function statusesOf(headers: Readonly<Record<string, string>>): Promise<readonly number[]> {
    const writes = [
      ['POST', '/api/handlers/notify/resume'],
      ['PUT', '/queues/api/queues/notify/resume'],
    ] as const
    return Promise.all(writes.map(async ([method, path]) => (await board.request(path, { method, headers })).status))
  }

  it.each(allowed)('is allowed with %j', async (headers) => {
    for (const status of await statusesOf(headers)) expect(status).toBeLessThan(300)
  })

  it.each(refused)('is rejected with %j', async (headers) => {
    expect(await statusesOf(headers)).toEqual([403, 403])
  })

  it('is not checked if it is a read', async () => {
    expect((await board.request('/api/stats', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(200)
  })
})
