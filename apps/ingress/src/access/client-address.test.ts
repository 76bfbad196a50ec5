import type { IncomingHttpHeaders } from 'node:http'
import { Socket } from 'node:net'
import { createAddressList } from '@warmhook/config/address-list'
import { defaultEndpoint } from '@warmhook/config/endpoints'
import { Secret } from '@warmhook/config/secret'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFindClientAddress, mayConnect } from './client-address.ts'

const trusted = createAddressList(['10.0.0.0/8', '2001:db8:1::/48'])

function requestFrom(remoteAddress: string | undefined, headers: IncomingHttpHeaders = {}) {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress })
  return { socket, headers }
}

const find = createFindClientAddress(trusted)
const forwardedFor = (header: string, peer = '10.0.0.1') => find(requestFrom(peer, { 'x-forwarded-for': header }))
const forwarded = (header: string, peer = '10.0.0.1') => find(requestFrom(peer, { forwarded: header }))

describe('the address of a client', () => {
  it('is that of the connection without trusted proxies', () => {
    const request = requestFrom('10.0.0.1', { 'x-forwarded-for': '203.0.113.5', forwarded: 'for=203.0.113.5' })
    expect(createFindClientAddress(undefined)(request)).toBe('10.0.0.1')
  })

  it('is that of the connection if the peer is not a trusted proxy, whatever its headers say', () => {
    expect(forwardedFor('203.0.113.5', '198.51.100.1')).toBe('198.51.100.1')
    expect(forwarded('for=203.0.113.5', '198.51.100.1')).toBe('198.51.100.1')
  })

  it('is that of the connection if a trusted proxy sends no header', () => {
    expect(find(requestFrom('10.0.0.1'))).toBe('10.0.0.1')
    expect(forwardedFor(' ')).toBe('10.0.0.1')
  })

  it.each([
    ['203.0.113.5', '203.0.113.5'],
    ['203.0.113.5, 10.0.0.2, 10.0.0.3', '203.0.113.5'],
    // Entries before the last untrusted address come from the client.
    ['192.0.2.1, 203.0.113.5', '203.0.113.5'],
    ['10.9.9.9, 203.0.113.5, 10.0.0.2', '203.0.113.5'],
    ['nonsense, "; DROP, 203.0.113.5', '203.0.113.5'],
    ['203.0.113.5:4711', '203.0.113.5'],
    ['[2001:db8::5]:4711', '2001:db8::5'],
    ['2001:DB8:0::5', '2001:db8::5'],
    ['::ffff:203.0.113.5, 2001:db8:1::7', '203.0.113.5'],
    // Only proxies.
    ['10.0.0.9, 10.0.0.2', '10.0.0.9'],
    ['203.0.113.5, unknown', undefined],
    ['203.0.113.5,', undefined],
    ['203.0.113.5, 10.0.0.2:x', undefined],
    ['203.0.113.5, 10.0.0', undefined],
    ['203.0.113.5 192.0.2.1', undefined],
  ])('is read from X-Forwarded-For: %s', (header, address) => {
    expect(forwardedFor(header)).toBe(address)
  })

  it.each([
    ['for=203.0.113.5', '203.0.113.5'],
    ['For="[2001:db8::5]:4711";proto=https;by=10.0.0.1', '2001:db8::5'],
    ['proto=http; for = 203.0.113.5 ;host=x', '203.0.113.5'],
    ['for=192.0.2.1, for=203.0.113.5, for=10.0.0.2', '203.0.113.5'],
    ['for="192.0.2.1, for=203.0.113.5', '203.0.113.5'],
    ['for=203.0.113.5, for=unknown', undefined],
    ['for=203.0.113.5, for=_hidden', undefined],
    ['for=203.0.113.5, proto=https', undefined],
    ['for=203.0.113.5;for=192.0.2.1', undefined],
    ['xfor=203.0.113.5', undefined],
  ])('is read from Forwarded: %s', (header, address) => {
    expect(forwarded(header)).toBe(address)
  })

  it('is unknown if the two headers differ: one of them is the sender’s own', () => {
    const both = (a: string, b: string) => find(requestFrom('10.0.0.1', { 'x-forwarded-for': a, forwarded: b }))
    expect(both('203.0.113.5', 'for=192.0.2.1')).toBeUndefined()
    expect(both('203.0.113.5', 'for=203.0.113.5')).toBe('203.0.113.5')
    expect(both('203.0.113.5', 'nonsense')).toBeUndefined()
    expect(both('2001:db8::5', 'for="[2001:DB8::0:5]"')).toBe('2001:db8::5')
  })

  it('is never what the sender wrote, behind a proxy that appends', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.ipV4()).map((list) => list.join(', ')),
        ),
        fc.constantFrom('203.0.113.5', '2001:db8::5'),
        (sent, client) => {
          expect(forwardedFor(`${sent}, ${client}`)).toBe(client)
          expect(forwarded(`${sent}, for="${client.includes(':') ? `[${client}]` : client}"`)).toBe(client)
        },
      ),
    )
  })
})

describe('mayConnect', () => {
  const open = defaultEndpoint(new Secret('a-key-of-at-least-128-bits'))
  const closed = { ...open, allow: createAddressList(['203.0.113.0/24', '2001:db8::/33']) }
  const direct = createFindClientAddress(undefined)

  it('allows every address without `allow`', () => {
    expect(mayConnect(open, direct, requestFrom('198.51.100.1'))).toBe(true)
    expect(mayConnect(open, direct, requestFrom(undefined))).toBe(true)
  })

  it.each([
    ['203.0.113.0', true],
    ['203.0.113.255', true],
    ['::ffff:203.0.113.9', true],
    ['2001:db8::1', true],
    ['203.0.114.0', false],
    ['203.0.112.255', false],
    ['::ffff:203.0.114.0', false],
    ['2001:db8:8000::', false],
    ['127.0.0.1', false],
    [undefined, false],
  ])('%s: %s', (address, may) => {
    expect(mayConnect(closed, direct, requestFrom(address))).toBe(may)
  })

  it('uses the address reported by a trusted proxy, and rejects requests without one', () => {
    expect(mayConnect(closed, find, requestFrom('10.0.0.1', { 'x-forwarded-for': '203.0.113.5' }))).toBe(true)
    expect(mayConnect(closed, find, requestFrom('10.0.0.1', { 'x-forwarded-for': '203.0.113.5, 198.51.100.1' }))).toBe(
      false,
    )
    expect(mayConnect(closed, find, requestFrom('10.0.0.1', { 'x-forwarded-for': '203.0.113.5, unknown' }))).toBe(false)
    expect(mayConnect(closed, find, requestFrom('198.51.100.1', { 'x-forwarded-for': '203.0.113.5' }))).toBe(false)
  })
})
