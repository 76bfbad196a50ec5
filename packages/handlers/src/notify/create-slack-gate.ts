import { hash } from 'node:crypto'
import type { Secret } from '@warmhook/config/secret'
import { createPeerGate, type PeerGate, type PeerGateDeps } from '@warmhook/peer/create-peer-gate'

/** Longer than a post can take. */
const turnMs = 15_000

/** The gate of a Slack channel: its messages are posted one at a time, by whichever worker. */
export function createSlackGate(url: Secret, deps: PeerGateDeps): PeerGate {
  const key = hash('sha256', `slack ${url.reveal()}`)
  return createPeerGate({ key, peer: 'slack', calls: 'in turn', turnMs }, deps)
}
