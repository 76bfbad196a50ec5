import { describe, expect, it } from 'vitest'
import { watchEventLoop } from './watch-event-loop.ts'

describe('watchEventLoop', () => {
  it('tells how long the event loop stood still', async () => {
    const told = Promise.withResolvers<number>()
    using watch = watchEventLoop({ maxMs: 100, onBlocked: told.resolve })
    expect(watch).toBeDefined()
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
    expect(await told.promise).toBeGreaterThan(100)
  })
})
