import type { IncomingMessage } from 'node:http'
import { normaliseAddress, type AddressList } from '@warmhook/config/address-list'
import type { Endpoint } from '@warmhook/config/endpoints'

type Request = Pick<IncomingMessage, 'headers' | 'socket'>

/** The address that a request comes from; undefined where it can't be told. */
export type FindClientAddress = (request: Request) => string | undefined

/** Whether an endpoint's `allow` lets the request in. Without `allow`, nobody looks at its address. */
export function mayConnect(endpoint: Endpoint, findClientAddress: FindClientAddress, request: Request): boolean {
  if (endpoint.allow === undefined) return true
  const address = findClientAddress(request)
  return address !== undefined && endpoint.allow.has(address)
}

/**
 * The client's address as trusted proxies tell it, in `X-Forwarded-For` or `Forwarded` (RFC 7239). Anyone can send these headers, and
 * each proxy adds what it saw at the end. So they are read from the end, and only as far as the ones who wrote are trusted.
 */
export function createFindClientAddress(trusted: AddressList | undefined): FindClientAddress {
  return ({ headers, socket }) => {
    const peer = socket.remoteAddress
    if (trusted === undefined || peer === undefined || !trusted.has(peer)) return peer
    const chains = [readForwardedFor(headers['x-forwarded-for']), readForwarded(headers.forwarded)]
    const told = new Set(chains.filter((chain) => chain !== undefined).map((chain) => walk(chain, trusted)))
    // A proxy that writes one of the two headers lets the sender's own version of the other through.
    return told.size > 1 ? undefined : told.size === 0 ? peer : [...told][0]
  }
}

/** From the end to the first address that is not a trusted proxy; undefined where something else than an address comes first. */
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

/** An address, as some proxies write it with a port. */
function toAddress(text: string): string | undefined {
  const [, bracketed, ipv4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(text) ?? []
  return normaliseAddress(bracketed ?? ipv4 ?? text)
}
