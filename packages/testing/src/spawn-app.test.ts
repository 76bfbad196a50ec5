import { describe, expect, it } from 'vitest'
import { spawnApp } from './spawn-app.ts'

const fixture = 'packages/testing/src/fixtures/answering-app.ts'

describe('spawnApp', () => {
  it('resolves when the app is ready, and stops it', async () => {
    const app = await spawnApp(fixture, { GREETING: 'hello' }, { readyLine: /^listening/ })
    const [, url = ''] = await app.waitForLine(/^listening on (\S+)$/)
    await expect(fetch(url).then((response) => response.json())).resolves.toEqual({ greeting: 'hello' })
    await app[Symbol.asyncDispose]()
    await expect(app.exited).resolves.toEqual({ code: 0, signal: null })
    expect(app.output()).toContain('bye')
  })

  it('passes no environment variables except the given ones', async () => {
    await using app = await spawnApp(fixture, {}, { readyLine: /^listening/ })
    const [, names] = await app.waitForLine(/^environment (.*)$/)
    expect(names?.split(' ').filter((name) => !['PATH', 'HOME', 'TMPDIR'].includes(name))).toEqual([])
  })

  it('fails with the output of an app that exits before it is ready', async () => {
    await expect(spawnApp(fixture, { FAIL: 'no database' }, { readyUrl: 'http://127.0.0.1:1/' })).rejects.toThrow(
      /ended \(3\) before it would answer at .*\n.*no database/s,
    )
  })

  it('fails when the app is not ready in time, and leaves no process', async () => {
    await expect(spawnApp(fixture, {}, { readyLine: /never/, timeoutMs: 300 })).rejects.toThrow(
      /did not print a line like \/never\/ within 300 ms/,
    )
  })
})
