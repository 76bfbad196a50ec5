import { Secret } from '@warmhook/config/secret'
import { createLogger } from '@warmhook/telemetry/logger'
import { openTestStore } from '@warmhook/testing/open-test-store'
import { describe, expect, it } from 'vitest'
import { startBoard } from './start-board.ts'

describe('startBoard', () => {
  it('says which service is away', async () => {
    await using store = await openTestStore('pglite')
    await using board = await startBoard({
      db: store.db,
      log: createLogger('test', 'silent'),
      redisUrl: 'redis://127.0.0.1:1',
      host: '127.0.0.1',
      port: 0,
      user: 'admin',
      password: new Secret('a-password'),
      basePath: '',
      prefix: '{t}',
    })
    const authorization = `Basic ${Buffer.from('admin:a-password').toString('base64')}`
    const answer = await fetch(`${board.url}/api/ledger`, { headers: { authorization } })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(await answer.json()).toMatchObject({ status: 503, detail: expect.stringContaining('Redis') })
  })
})
