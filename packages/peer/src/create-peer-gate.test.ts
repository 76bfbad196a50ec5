import { closePeerGate } from '@warmhook/store/peer-gates/leave-peer-gate'
import { listRefusingPeers } from '@warmhook/store/peer-gates/list-refusing-peers'
import { engines, openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { createLogger } from '@warmhook/telemetry/logger'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPeerGate, type PeerGate, type PeerPass } from './create-peer-gate.ts'

const refusal = { cause: 'unauthorised', reason: 'no such token', waitMs: 60_000, maxWaitMs: 60_000 } as const
const limit = { cause: 'limited', reason: 'slow down', waitMs: 2_000, maxWaitMs: 2_000 } as const

describe.each(engines)('a peer gate on %s', (engine) => {
  let store: TestStore
  // One for all tests: to open a PGlite takes seconds on a busy machine.
  beforeAll(async () => {
    store = await openTestStore(engine)
  })
  afterAll(() => store[Symbol.asyncDispose]())
  beforeEach(async () => void (await store.db.deleteFrom('peer_gates').execute()))

  function gateOf(calls: 'together' | 'in turn', key = 'account'): PeerGate {
    const deps = { db: store.db, log: createLogger('test', 'silent'), now: Date.now }
    return createPeerGate({ key, peer: 'hubspot', calls, turnMs: 60_000 }, deps)
  }

  async function enter(gate: PeerGate): Promise<Extract<PeerPass, { status: 'open' }>> {
    const pass = await gate.enter()
    if (pass.status !== 'open') throw new Error(`the gate is ${pass.status}`)
    return pass
  }

  const waitIsOver = () =>
    store.db
      .updateTable('peer_gates')
      .set({ closed_until: new Date(0) })
      .execute()
  const turnIsOver = () =>
    store.db
      .updateTable('peer_gates')
      .set({ turn_until: new Date(0) })
      .execute()

  it('allows any number of concurrent calls, and writes nothing while the account answers', async () => {
    const passes = [await enter(gateOf('together')), await enter(gateOf('together'))]
    expect(passes.map(({ isFirst }) => isFirst)).toEqual([false, false])
    for (const pass of passes) await pass.leave('answers')
    expect(await store.db.selectFrom('peer_gates').selectAll().execute()).toEqual([])
  })

  it('closes for all workers for as long as a refusal says, but not for other accounts', async () => {
    await (await enter(gateOf('together'))).leave(refusal)
    const closed = await gateOf('together').enter()
    expect(closed).toMatchObject({ status: 'closed', outcome: { status: 'hold', reason: 'no such token' } })
    const notBefore = closed.status === 'closed' && closed.outcome.status === 'hold' ? closed.outcome.notBefore : 0
    expect(notBefore).toBeGreaterThan(Date.now() + 30_000)
    expect(notBefore).toBeLessThan(Date.now() + 90_000)
    await enter(gateOf('together', 'another account'))
    expect(await listRefusingPeers(store.db)).toMatchObject([{ peer: 'hubspot', cause: 'unauthorised', refusals: 1 }])
  })

  it('gives the turn to one caller when the wait is over, and opens for all if it succeeds', async () => {
    const gate = gateOf('together')
    await (await enter(gate)).leave(refusal)
    await waitIsOver()
    const first = await enter(gate)
    expect(first.isFirst).toBe(true)
    expect(await gate.enter()).toMatchObject({ status: 'taken', outcome: { reason: 'no such token' } })
    await first.leave('answers')
    expect((await enter(gate)).isFirst).toBe(false)
    expect(await listRefusingPeers(store.db)).toEqual([])
  })

  it('passes the turn on when its holder got no conclusive result, or died', async () => {
    const gate = gateOf('together')
    await (await enter(gate)).leave(refusal)
    await waitIsOver()
    await (await enter(gate)).leave('unknown')
    const dying = await enter(gate)
    await turnIsOver()
    const next = await enter(gate)
    await dying.leave('answers')
    expect((await gate.enter()).status).toBe('taken')
    await next.leave('answers')
    expect((await enter(gate)).isFirst).toBe(false)
  })

  it('is not opened by a call that began before it was closed', async () => {
    const gate = gateOf('together')
    const early = await enter(gate)
    await (await enter(gate)).leave(refusal)
    await early.leave('answers')
    expect((await gate.enter()).status).toBe('closed')
  })

  it('keeps the longer of two waits', async () => {
    const gate = gateOf('together')
    const [one, two] = [await enter(gate), await enter(gate)]
    await one.leave(refusal)
    await two.leave(limit)
    const pass = await gate.enter()
    expect(pass.status === 'closed' && pass.waitMs).toBeGreaterThan(50_000)
  })

  it('allows one call at a time in turn, and spaces calls out after a rate limit', async () => {
    const gate = gateOf('in turn')
    const first = await enter(gate)
    expect((await gate.enter()).status).toBe('taken')
    await first.leave('answers')
    await (await enter(gate)).leave(limit)
    await waitIsOver()
    await (await enter(gate)).leave('answers')
    const paced = await gate.enter()
    expect(paced.status === 'closed' && paced.waitMs).toBeLessThanOrEqual(2_000)
    expect(await listRefusingPeers(store.db)).toEqual([])
    await store.db
      .updateTable('peer_gates')
      .set({ closed_until: new Date(0), paced_until: new Date(0) })
      .execute()
    await (await enter(gate)).leave('answers')
    await enter(gate)
  })

  it('counts the refusals for one cause, and starts over with another', async () => {
    const seen = async () => {
      const [peer] = await listRefusingPeers(store.db)
      await waitIsOver()
      return peer && { cause: peer.cause, refusals: peer.refusals, isRecent: peer.sinceMs < 60_000 }
    }
    const longAgo = () =>
      store.db
        .updateTable('peer_gates')
        .set({ since: new Date(Date.now() - 3_600_000) })
        .execute()
    const gate = gateOf('together')
    await (await enter(gate)).leave(refusal)
    await longAgo()
    await waitIsOver()
    await (await enter(gate)).leave(refusal)
    expect(await seen()).toEqual({ cause: 'unauthorised', refusals: 2, isRecent: false })
    await (await enter(gate)).leave(limit)
    expect(await seen()).toEqual({ cause: 'limited', refusals: 1, isRecent: true })
  })

  it.each([
    ['a limit, together', 'together', limit],
    ['a refusal, in turn', 'in turn', refusal],
  ] as const)('spaces calls out only after a limit in turn: not after %s', async (_name, calls, cause) => {
    await (await enter(gateOf(calls))).leave(cause)
    expect(await store.db.selectFrom('peer_gates').select(['pace_ms', 'paced_until']).execute()).toEqual([
      { pace_ms: null, paced_until: null },
    ])
  })

  it('deletes accounts that have not been called for a week', async () => {
    await closePeerGate(store.db, { key: 'old token', peer: 'hubspot', calls: 'together' }, crypto.randomUUID(), limit)
    await store.db
      .updateTable('peer_gates')
      .set({ closed_until: new Date(Date.now() - 8 * 86_400_000) })
      .execute()
    await (await enter(gateOf('together'))).leave(refusal)
    expect(await store.db.selectFrom('peer_gates').select('key').execute()).toEqual([{ key: 'account' }])
  })
})
