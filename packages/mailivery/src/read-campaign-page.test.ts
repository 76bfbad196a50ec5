import { describe, expect, it } from 'vitest'
import { readCampaignPage } from './read-campaign-page.ts'

const base = 'https://api.example/api/v1/campaigns'

function read(payload: Readonly<Record<string, unknown>>, url = base) {
  return readCampaignPage({ data: [], ...payload }, new URL(url))
}

describe('readCampaignPage', () => {
  it.each([
    ['no data', undefined],
    ['null', null],
    ['an object', {}],
    ['a list of numbers', [1]],
    ['a campaign without an id', [{ id: 1 }, { email: 'a@b.example' }]],
    ['a campaign with the id 0', [{ id: 0 }]],
    ['a negative id', [{ id: '-1' }]],
    ['a fraction', [{ id: 1.5 }]],
    ['an id that is no number', [{ id: 'abc' }]],
    ['an id beyond exact numbers', [{ id: '9999999999999999' }]],
  ])('refuses the whole page: %s', (_name, data) => {
    expect(read({ data })).toMatchObject({ status: 'malformed' })
  })

  it('reads the list in data.data, numbers in text, and a status code that is a number', () => {
    const payload = { data: { data: [{ id: '7', status_code: 2 }], total: '1' } }
    expect(read(payload)).toMatchObject({
      value: { campaigns: [{ id: 7, statusCode: '2' }], next: null, total: 1 },
    })
  })

  it('leaves out fields that cannot be read, or are too long', () => {
    const campaign = { id: 1, email: 'x'.repeat(1_001), firstName: {}, tags: 'a', statusCode: true, updatedAt: 5 }
    expect(read({ data: [campaign] })).toEqual({
      status: 'ok',
      value: { campaigns: [{ id: 1, statusCode: null }], next: null, total: null },
    })
  })

  it('makes texts storable, and reads tags with names', () => {
    expect(read({ data: [{ id: 1, firstName: 'a\0b\uD800', tags: [{ name: 'x' }, 'y'] }] })).toMatchObject({
      value: { campaigns: [{ firstName: 'a\uFFFDb\uFFFD', tags: ['x', 'y'] }] },
    })
  })

  it.each([
    ['an absolute link', { next_page_url: `${base}?page=2&per_page=5` }, 'page=2&per_page=5'],
    ['a relative link', { nextPageUrl: '?cursor=a%20b' }, 'cursor=a%20b'],
    ['a link in data', { data: { data: [], next_page_url: `${base}/?page=2` } }, 'page=2'],
    ['a link in links', { links: { next: `${base}?page=2` } }, 'page=2'],
    ['a link in meta', { meta: { next_page_url: `${base}?page=2` } }, 'page=2'],
    ['a link of a server behind a TLS proxy', { next_page_url: `${base.replace('s', '')}?page=2` }, 'page=2'],
    ['no link', { next_page_url: null, links: [{ url: null }] }, null],
    ['an empty link', { next_page_url: '' }, null],
    ['the last page in meta', { meta: { current_page: 1, last_page: 3 } }, 'page=2'],
    ['the last page without the current one', { lastPage: '2' }, 'page=2'],
    ['the last page itself', { meta: { currentPage: 3, lastPage: 3 } }, null],
    ['no link, but more pages', { next_page_url: null, current_page: 1, last_page: 2 }, 'page=2'],
  ])('finds the next page by %s', (_name, payload, next) => {
    expect(read(payload)).toMatchObject({ status: 'ok', value: { next } })
  })

  it('keeps the rest of the query when it counts pages', () => {
    const payload = { meta: { current_page: 2, last_page: 3 } }
    expect(read(payload, `${base}?per_page=5&page=2`)).toMatchObject({ value: { next: 'per_page=5&page=3' } })
  })

  it.each([
    'https://evil.example/api/v1/campaigns?page=2',
    '//evil.example/api/v1/campaigns?page=2',
    'https://api.example:8443/api/v1/campaigns?page=2',
    'https://user:password@api.example/api/v1/campaigns?page=2',
    'https://api.example/other/campaigns?page=2',
    `${base}/connections/recheck?auto_restart=true`,
    `${base}/../campaigns/7`,
    'ftp://api.example/api/v1/campaigns?page=2',
    'https://',
    7,
    `?cursor=${'x'.repeat(2_048)}`,
  ])('refuses to follow %s', (link) => {
    expect(read({ next_page_url: link })).toMatchObject({ status: 'malformed' })
  })

  it.each([
    { last_page: 'many' },
    { last_page: 1e9 },
    { last_page: [2] },
    { last_page: '' },
    { current_page: 'first', last_page: 2 },
  ])('refuses to end the list at a page number that is none: %j', (payload) => {
    expect(read(payload)).toMatchObject({ status: 'malformed' })
  })

  it.each([
    ['a link to the same page', { next_page_url: `${base}?b=1&a=2` }],
    ['a server that always answers the first page', { meta: { current_page: 1, last_page: 9 } }],
  ])('refuses %s, which would never end', (_name, payload) => {
    const url = 'meta' in payload ? `${base}?page=2` : `${base}?a=2&b=1`
    expect(read(payload, url)).toMatchObject({ status: 'malformed', reason: expect.stringContaining('same page') })
  })
})
