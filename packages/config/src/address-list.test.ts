import { describe, expect, it } from 'vitest'
import { createAddressList, isAddressRange, normaliseAddress } from './address-list.ts'

describe('createAddressList', () => {
  it.each([
    // The edges of a range, including a range with host bits.
    ['203.0.113.0/24', '203.0.113.0', true],
    ['203.0.113.0/24', '203.0.113.255', true],
    ['203.0.113.0/24', '203.0.112.255', false],
    ['203.0.113.0/24', '203.0.114.0', false],
    ['203.0.113.77/24', '203.0.113.1', true],
    ['203.0.113.4/30', '203.0.113.7', true],
    ['203.0.113.4/30', '203.0.113.8', false],
    ['203.0.113.4/30', '203.0.113.3', false],
    ['203.0.113.5', '203.0.113.5', true],
    ['203.0.113.5', '203.0.113.4', false],
    ['203.0.113.5/32', '203.0.113.6', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/33', '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff', true],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['2001:db8::1', '2001:DB8:0:0:0:0:0:1', true],
    ['2001:db8::1/128', '2001:db8::2', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '203.0.113.5', false],
    ['::/0', '::ffff:203.0.113.5', false],
    // IPv4-mapped IPv6, in the list and as the client.
    ['203.0.113.0/24', '::ffff:203.0.113.9', true],
    ['203.0.113.0/24', '::ffff:cb00:7109', true],
    ['203.0.113.0/24', '::FFFF:cb00:7209', false],
    ['::ffff:203.0.113.0/120', '203.0.113.9', true],
    ['::ffff:203.0.113.0/120', '203.0.114.9', false],
    // A link-local address with its zone.
    ['fe80::/10', 'fe80::1%eth0', true],
    ['fe80::/10', 'fec0::1%eth0', false],
    ['203.0.113.5', 'nonsense', false],
    ['203.0.113.5', '', false],
  ])('%s has %s: %s', (range, address, has) => {
    expect(createAddressList([range]).has(address)).toBe(has)
  })

  it('contains the addresses of all its ranges', () => {
    const list = createAddressList(['203.0.113.0/24', '2001:db8::/32', '198.51.100.7'])
    expect(['203.0.113.1', '2001:db8::1', '198.51.100.7'].every(list.has)).toBe(true)
    expect(['198.51.100.8', '2001:db9::1'].some(list.has)).toBe(false)
  })

  it.each([
    '',
    'x',
    '203.0.113.0/33',
    '::/129',
    '203.0.113.0/',
    '203.0.113.0/-1',
    '203.0.113.0/8/8',
    '203.0.113',
    '010.0.0.1',
    'fe80::1%eth0',
    '1.2.3.4/0x8',
  ])('refuses %j', (range) => {
    expect(isAddressRange(range)).toBe(false)
    expect(() => createAddressList([range])).toThrow(TypeError)
  })
})

it('normaliseAddress returns one spelling per address', () => {
  expect(
    ['2001:DB8::0:1', '::ffff:1.2.3.4', '0:0:0:0:0:FFFF:0102:0304', 'fe80::1%2', '1.2.3.4', 'x'].map(normaliseAddress),
  ).toEqual(['2001:db8::1', '1.2.3.4', '1.2.3.4', 'fe80::1', '1.2.3.4', undefined])
})
