import { closePeerGate } from '@warmhook/store/peer-gates/leave-peer-gate'
import { listRefusingPeers } from '@warmhook/store/peer-gates/list-refusing-peers'
import { engines, openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { createLogger } from '@warmhook/telemetry/logger'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPeerGate, type PeerGate, type PeerPass } from './create-peer-gate.ts'

const refusal = { cause: 'refused', reason: 'no such token', waitMs: 60_000, maxWaitMs: 60_000 } as const
const limit = { cause: 'limited', reason: 'slow down', waitMs: 2_000, maxWaitMs: 2_000 } as const

describe.each(engines)('a peer gate on %s', (engine) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openTestStore(engine)
    // The first PGlite of a process compiles for long on a busy machine.
  }, 60_000)
  afterEach(() => store[Symbol.asyncDispose]())

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

  it('lets any number call together, and writes nothing while all is well', async () => {
    const passes = [await enter(gateOf('together')), await enter(gateOf('together'))]
    expect(passes.map(({ isFirst }) => isFirst)).toEqual([false, false])
    for (const pass of passes) await pass.leave('answers')
    expect(await store.db.selectFrom('peer_gates').selectAll().execute()).toEqual([])
  })

  it('is closed to all for as long as a refusal says, and to no other account', async () => {
    await (await enter(gateOf('together'))).leave(refusal)
    const closed = await gateOf('together').enter()
    expect(closed).toMatchObject({ status: 'closed', outcome: { status: 'hold', reason: 'no such token' } })
    const notBefore = closed.status === 'closed' && closed.outcome.status === 'hold' ? closed.outcome.notBefore : 0
    expect(notBefore).toBeGreaterThan(Date.now() + 30_000)
    expect(notBefore).toBeLessThan(Date.now() + 90_000)
    await enter(gateOf('together', 'another account'))
    expect(await listRefusingPeers(store.db)).toMatchObject([{ peer: 'hubspot', cause: 'refused', refusals: 1 }])
  })

  it('gives the turn to one caller when the time is over, and opens to all by its success', async () => {
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

  it('passes the turn on when its holder learnt nothing, or died', async () => {
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

  it('is not opened by a call that had begun before it was closed', async () => {
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

  it('lets one call at a time where they go in turn, and after a limit was met, keeps them apart', async () => {
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

  it('counts the refusals of one cause, and begins again with another', async () => {
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
    expect(await seen()).toEqual({ cause: 'refused', refusals: 2, isRecent: false })
    await (await enter(gate)).leave(limit)
    expect(await seen()).toEqual({ cause: 'limited', refusals: 1, isRecent: true })
  })

  it.each([
    ['a limit, together', 'together', limit],
    ['a refusal, in turn', 'in turn', refusal],
  ] as const)('keeps calls apart for no other reason than a limit in turn: not for %s', async (_name, calls, cause) => {
    await (await enter(gateOf(calls))).leave(cause)
    expect(await store.db.selectFrom('peer_gates').select(['pace_ms', 'paced_until']).execute()).toEqual([
      { pace_ms: null, paced_until: null },
    ])
  })

  it('forgets accounts that nobody has called for a week', async () => {
    await closePeerGate(store.db, { key: 'old token', peer: 'hubspot', calls: 'together' }, crypto.randomUUID(), limit)
    await store.db
      .updateTable('peer_gates')
      .set({ closed_until: new Date(Date.now() - 8 * 86_400_000) })
      .execute()
    await (await enter(gateOf('together'))).leave(refusal)
    expect(await store.db.selectFrom('peer_gates').select('key').execute()).toEqual([{ key: 'account' }])
  })
})
