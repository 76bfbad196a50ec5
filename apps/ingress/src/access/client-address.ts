import type { IncomingMessage } from 'node:http'
import { normaliseAddress, type AddressList } from '@warmhook/config/address-list'
import type { Endpoint } from '@warmhook/config/endpoints'

type Request = Pick<IncomingMessage, 'headers' | 'socket'>

/** The address that a request comes from; undefined if it cannot be determined. */
export type FindClientAddress = (request: Request) => string | undefined

/** Whether an endpoint's `allow` list permits the request. Without `allow`, the address is not checked. */
export function mayConnect(endpoint: Endpoint, findClientAddress: FindClientAddress, request: Request): boolean {
  if (endpoint.allow === undefined) return true
  const address = findClientAddress(request)
  return address !== undefined && endpoint.allow.has(address)
}

/**
 * The client's address as reported by trusted proxies in `X-Forwarded-For` or `Forwarded` (RFC 7239). Anyone can send
 * these headers, and each proxy appends the address of its peer. They are therefore read from the end, and only as far
 * as entries were written by trusted proxies.
 */
export function createFindClientAddress(trusted: AddressList | undefined): FindClientAddress {
  return ({ headers, socket }) => {
    const peer = socket.remoteAddress
    if (trusted === undefined || peer === undefined || !trusted.has(peer)) return peer
    const chains = [readForwardedFor(headers['x-forwarded-for']), readForwarded(headers.forwarded)]
    const told = new Set(chains.filter((chain) => chain !== undefined).map((chain) => walk(chain, trusted)))
    // A proxy that sets one of the two headers forwards the sender's own version of the other.
    return told.size > 1 ? undefined : told.size === 0 ? peer : [...told][0]
  }
}

/** From the end: the first address that is not a trusted proxy; undefined if an entry before it is not an address. */
function walk(chain: readonly (string | undefined)[], trusted: AddressList): string | undefined {
  for (const address of chain.toReversed()) {
    if (address === undefined || !trusted.has(address)) return address
  }
  return chain[0]
}

function readForwardedFor(header: string | string[] | undefined): readonly (string | undefined)[] | undefined {
  return splitList(header)?.map(toAddress)
}

function readForwarded(header: string | undefined): readonly (string | undefined)[] | undefined {
  return splitList(header)?.map((element) => {
    const nodes = element.split(';').flatMap((pair) => /^\s*for\s*=\s*(.*?)\s*$/i.exec(pair)?.[1] ?? [])
    const [node = ''] = nodes
    return nodes.length === 1 ? toAddress(node.replace(/^"(.*)"$/, '$1')) : undefined
  })
}

function splitList(header: string | string[] | undefined): readonly string[] | undefined {
  const text = typeof header === 'string' ? header : (header?.join(',') ?? '')
  return text.trim() === '' ? undefined : text.split(',').map((element) => element.trim())
}

/** Parses an address; some proxies append a port. */
function toAddress(text: string): string | undefined {
  const [, bracketed, ipv4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(text) ?? []
  return normaliseAddress(bracketed ?? ipv4 ?? text)
}
