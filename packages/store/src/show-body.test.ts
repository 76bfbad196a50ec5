import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { showBody } from './show-body.ts'

it('shows text as text, and other bytes as base64', async () => {
  const text = { raw: '{"a":1}', encoding: 'utf8', contentEncoding: null, inflated: false }
  expect(await showBody(Buffer.from('{"a":1}'), null)).toEqual(text)
  expect(await showBody(Buffer.from([0xff, 0xfe]), null)).toMatchObject({ raw: '//4=', encoding: 'base64' })
})

it('inflates up to 1 MiB, and shows larger bodies as received', async () => {
  const limit = 1024 * 1024
  const [fits, large] = [limit, limit + 1].map((length) => gzipSync(Buffer.alloc(length, 'a')))
  expect(await showBody(fits ?? Buffer.of(), 'gzip')).toEqual({
    raw: 'a'.repeat(limit),
    encoding: 'utf8',
    contentEncoding: 'gzip',
    inflated: true,
  })
  expect(await showBody(large ?? Buffer.of(), 'gzip')).toEqual({
    raw: large?.toString('base64'),
    encoding: 'base64',
    contentEncoding: 'gzip',
    inflated: false,
  })
})

it('shows a body as received if it does not inflate', async () => {
  expect(await showBody(Buffer.from('no gzip'), 'gzip')).toMatchObject({ raw: 'no gzip', inflated: false })
})
