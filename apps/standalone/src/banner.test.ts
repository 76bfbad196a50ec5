import { createAddressList } from '@warmhook/config/address-list'
import { defaultEndpoint, type Endpoint } from '@warmhook/config/endpoints'
import { Secret } from '@warmhook/config/secret'
import { describe, expect, it } from 'vitest'
import { banner } from './banner.ts'

const running = { ingressUrl: 'http://127.0.0.1:3000', boardUrl: 'http://127.0.0.1:3001', storage: 'a disk' }

function bannerOf(endpoints: readonly Endpoint[]): string {
  return banner({ endpoints, boardUser: 'admin', boardPassword: new Secret('a-password') }, running)
}

function owner(name: string, key: string | undefined): Endpoint {
  return { ...defaultEndpoint(new Secret('x')), owner: name, shownKey: key === undefined ? undefined : new Secret(key) }
}

describe('the banner', () => {
  it('prints the URL and a curl command', () => {
    const text = bannerOf([owner('default', 'a-key')])
    expect(text).toContain('Webhook URL   http://127.0.0.1:3000/webhooks/mailivery/a-key\n')
    expect(text).toContain("curl -X POST 'http://127.0.0.1:3000/webhooks/mailivery/a-key'")
    expect(text).toContain('http://127.0.0.1:3001/   (user admin, password a-password)')
  })

  it('prints the URL of each owner, and marks those with an unknown key', () => {
    const allow = createAddressList(['203.0.113.0/24'])
    const text = bannerOf([owner('hashed', undefined), { ...owner('acme', 'key-a'), allow }, owner('beta', 'key-b')])
    expect(text).toMatch(/hashed {3}\(only the digest of its key is known/)
    expect(text).toMatch(/acme {5}http:\S+\/key-a\n {4}beta {5}http:\S+\/key-b\n/)
    expect(text).toContain("curl -X POST 'http://127.0.0.1:3000/webhooks/mailivery/key-a'")
  })

  it('shows no example if only digests are known', () => {
    const text = bannerOf([owner('hashed', undefined)])
    expect(text).not.toContain('curl')
    expect(text).toContain('only the digest')
  })

  it('lists no more than one screen', () => {
    const text = bannerOf(Array.from({ length: 10_000 }, (_, n) => owner(`o${n}`, `key-${n}`)))
    expect(text.split('\n').length).toBeLessThan(80)
    expect(text).toContain('… and 9950 more in ENDPOINTS_FILE')
  })
})
