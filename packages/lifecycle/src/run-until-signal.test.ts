import { spawnApp, type SpawnedApp } from '@warmhook/testing/spawn-app'
import { describe, expect, it } from 'vitest'

const longMs = 60_000
const shortMs = 300

function start(how: string, deadlineMs: number, readyLine = /^started$/): Promise<SpawnedApp> {
  const args = [how, String(deadlineMs)]
  return spawnApp('packages/lifecycle/src/fixtures/end-badly.ts', {}, { args, readyLine })
}

describe.concurrent('runUntilSignal', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('exits with 0 after %s', async (signal) => {
    await using app = await start('well', longMs)
    app.kill(signal)
    expect(await app.exited).toEqual({ code: 0, signal: null })
    expect(app.output()).toContain('stopping')
  })

  it('exits with 1 on the second signal', async () => {
    await using app = await start('hang at stop', longMs)
    app.kill('SIGTERM')
    await app.waitForLine(/^stopping$/)
    app.kill('SIGINT')
    expect(await app.exited).toEqual({ code: 1, signal: null })
  })

  it.each([
    ['a stop', 'hang at stop', /^started$/],
    ['a start', 'hang at start', /^starting$/],
  ])('exits with 1 at the deadline of %s that hangs', async (_name, how, readyLine) => {
    await using app = await start(how, shortMs, readyLine)
    app.kill('SIGTERM')
    expect(await app.exited).toEqual({ code: 1, signal: null })
  })

  it.each([
    ['a start that fails', 'fail at start', 'no start'],
    ['giving up', 'give up', 'enough'],
  ])('exits with 1 after %s, and reports why', async (_name, how, why) => {
    await using app = await start(how, longMs, /^starting$/)
    expect(await app.exited).toEqual({ code: 1, signal: null })
    expect(app.output()).toContain(why)
  })

  it('exits with 1 after a failed stop, and reports why', async () => {
    await using app = await start('fail at stop', longMs)
    app.kill('SIGTERM')
    expect(await app.exited).toEqual({ code: 1, signal: null })
    expect(app.output()).toContain('no stop')
  })
})
