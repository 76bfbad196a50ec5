import { digestOf } from '@warmhook/config/endpoint-key'
import type { Endpoint } from '@warmhook/config/endpoints'
import { describe, expect, it } from 'vitest'
import { indexEndpoints } from './index-endpoints.ts'

function endpoint(owner: string, source: string, keys: readonly string[]): Endpoint {
  return { owner, source, keyDigests: keys.map(digestOf), allow: undefined, shownKey: undefined }
}

describe('indexEndpoints', () => {
  it('finds an endpoint by any of its keys, for its own source only', () => {
    const find = indexEndpoints([endpoint('acme', 'mailivery', ['a', 'b']), endpoint('beta', 'other', ['c'])])
    expect(['a', 'b'].map((key) => find('mailivery', key)?.owner)).toEqual(['acme', 'acme'])
    expect(find('other', 'c')?.owner).toBe('beta')
    expect(find('mailivery', 'c')).toBeUndefined()
  })

  it('finds nothing for another key, or for the digest of a key', () => {
    const find = indexEndpoints([endpoint('acme', 'mailivery', ['a'])])
    expect(['d', '', digestOf('a'), `sha256:${digestOf('a')}`].map((key) => find('mailivery', key))).toEqual(
      Array.from({ length: 4 }, () => undefined),
    )
  })

  it('finds each of many owners by either key', () => {
    const owners = Array.from({ length: 1_000 }, (_, n) => `o${n}`)
    const find = indexEndpoints(owners.map((owner) => endpoint(owner, 'mailivery', [`${owner}-1`, `${owner}-2`])))
    const found = owners.flatMap((owner) => [1, 2].map((n) => find('mailivery', `${owner}-${n}`)?.owner))
    expect(found).toEqual(owners.flatMap((owner) => [owner, owner]))
  })
})
