import { describe, expect, it } from 'vitest'
import { parseRedisUrl } from './redis-url.ts'

describe('parseRedisUrl', () => {
  it.each(['redis://127.0.0.1:6379', 'rediss://user:secret@redis.example:6380/2'])('leaves %s unchanged', (url) => {
    expect(parseRedisUrl(url)).toEqual({ url })
  })

  it('reads sentinels, credentials, master and database', () => {
    expect(parseRedisUrl('rediss+sentinel://me:p%40ss@s1:26380,[::1],s3.example/main/3')).toEqual({
      sentinels: [
        { host: 's1', port: 26_380 },
        { host: '::1', port: 26_379 },
        { host: 's3.example', port: 26_379 },
      ],
      name: 'main',
      username: 'me',
      password: 'p@ss',
      db: 3,
      tls: true,
    })
  })

  it('accepts a password without a user', () => {
    expect(parseRedisUrl('redis+sentinel://:secret@s1/main')).toMatchObject({
      username: undefined,
      password: 'secret',
      db: 0,
      tls: false,
    })
  })

  it.each([
    'http://127.0.0.1',
    'redis://',
    'redis+sentinel://s1:26379',
    'redis+sentinel:///main',
    'redis+sentinel://s1,,s2/main',
    'redis+sentinel://s1:x/main',
    'redis+sentinel://s1/main/x',
  ])('refuses %s', (url) => {
    expect(parseRedisUrl(url)).toBeUndefined()
  })
})
