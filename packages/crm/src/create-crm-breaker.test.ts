import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createCrmBreaker } from './create-crm-breaker.ts'
import type { ContactResult } from './crm-provider.ts'
import { recordsOf } from './fixtures/contact-records.ts'

const terms = { signal: new AbortController().signal, isFirst: false, mode: 'upsert', archives: false } as const
const failed: ContactResult = { status: 'retry', reason: 'HubSpot answered 502' }
const written: ContactResult = { status: 'written', remoteId: '1' }

/** A breaker before a CRM that answers as told, for two contacts. */
function open(answer: () => readonly ContactResult[]) {
  const breaker = createCrmBreaker(
    {
      upsertMany(records) {
        const results = answer()
        return Promise.resolve(new Map(records.map(({ traceId }, index) => [traceId, results[index] ?? failed])))
      },
    },
    'HubSpot',
  )
  const run = async (times: number) => {
    let last: ReadonlyMap<string, ContactResult> = new Map()
    for (let time = 0; time < times; time += 1) last = await breaker.upsertMany(recordsOf(2), terms)
    return [...last.values()]
  }
  return { breaker, run }
}

describe('the breaker of an account', () => {
  it('asks for a pause after five attempts in a row that wrote nothing', async () => {
    const { breaker, run } = open(() => [])
    await run(4)
    expect(breaker.refusal()).toBeUndefined()
    expect(await run(1)).toEqual([failed, failed])
    expect(breaker.refusal()).toMatchObject({ cause: 'down', waitMs: 5_000, maxWaitMs: 30_000 })
  })

  it('asks for none while any contact is written', async () => {
    const { breaker, run } = open(() => [failed, written])
    await run(20)
    expect(breaker.refusal()).toBeUndefined()
  })

  it('does not count attempts in which the account or a contact is to blame', async () => {
    const { breaker, run } = open(() => [
      { status: 'rejected', reason: 'bad address' },
      { status: 'hold', reason: 'revoked', waitMs: 1 },
    ])
    await run(20)
    expect(breaker.refusal()).toBeUndefined()
  })

  it('goes on as soon as an attempt writes something', async () => {
    let isDown = true
    const { breaker, run } = open(() => (isDown ? [] : [written, written]))
    await run(5)
    isDown = false
    await delay(5)
    expect(await Promise.all([run(1), run(1)])).toEqual([
      [written, written],
      [written, written],
    ])
    expect(breaker.refusal()).toBeUndefined()
  })

  it('holds contacts that came together with an attempt that failed again', async () => {
    const { breaker, run } = open(() => [])
    await run(5)
    await delay(5)
    expect(await Promise.all([run(1), run(1)])).toMatchObject([
      [failed, failed],
      [{ status: 'hold' }, { status: 'hold' }],
    ])
    expect(breaker.refusal()).toMatchObject({ cause: 'down' })
  })
})
