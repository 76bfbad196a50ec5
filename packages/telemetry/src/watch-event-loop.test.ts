import { describe, expect, it } from 'vitest'
import { watchEventLoop } from './watch-event-loop.ts'

describe('watchEventLoop', () => {
  it('reports how long the event loop was blocked', async () => {
    const told = Promise.withResolvers<number>()
    using watch = watchEventLoop({ maxMs: 100, onBlocked: told.resolve })
    expect(watch).toBeDefined()
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
    expect(await told.promise).toBeGreaterThan(100)
  })
})
