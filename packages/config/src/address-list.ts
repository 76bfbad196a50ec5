import { BlockList, isIP } from 'node:net'

/** Addresses and ranges of addresses. */
export interface AddressList {
  /** Also recognises IPv4-mapped IPv6 addresses, and IPv6 addresses with a zone. */
  readonly has: (address: string) => boolean
}

interface Range {
  readonly address: string
  readonly bits: number
}

/** Whether the text is an IP address or a CIDR range. */
export function isAddressRange(text: string): boolean {
  return parseRange(text) !== undefined
}

/**
 * An IPv6 range never contains an IPv4 address: `::/0` does not admit IPv4 clients.
 *
 * @throws TypeError if one of them is not a range
 */
export function createAddressList(ranges: readonly string[]): AddressList {
  // In a separate list, because a BlockList finds every IPv4 address in `::/0`.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const text of ranges) {
    const range = parseRange(text)
    if (range === undefined) throw new TypeError('not an IP address or a CIDR range')
    const family = familyOf(range.address)
    lists[family].addSubnet(range.address, range.bits, family)
  }
  return {
    has: (text) => {
      const address = normaliseAddress(text)
      return address !== undefined && lists[familyOf(address)].check(address, familyOf(address))
    },
  }
}

/** The canonical form of an address: without a zone, IPv4-mapped IPv6 as IPv4. Undefined if it is not an address. */
export function normaliseAddress(text: string): string | undefined {
  const [address = ''] = text.split('%')
  const version = isIP(address)
  if (version === 0) return undefined
  return version === 4 ? address : (mappedIpv4(address) ?? canonicalIpv6(address))
}

const mappedBits = 96

function parseRange(text: string): Range | undefined {
  const [address = '', bits, ...rest] = text.split('/')
  const version = address.includes('%') ? 0 : isIP(address)
  if (version === 0 || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined
  const longest = version === 4 ? 32 : 128
  const length = Number(bits ?? longest)
  if (length > longest) return undefined
  const ipv4 = version === 6 && length >= mappedBits ? mappedIpv4(address) : undefined
  return ipv4 === undefined ? { address, bits: length } : { address: ipv4, bits: length - mappedBits }
}

/** `::ffff:a.b.c.d` in any of its spellings (RFC 4291, section 2.5.5.2). */
function mappedIpv4(address: string): string | undefined {
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonicalIpv6(address)) ?? []
  if (high === undefined || low === undefined) return undefined
  return [high, low].flatMap((part) => [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 0xff]).join('.')
}

/** The form of RFC 5952, in which the URL standard serialises hosts. */
function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
