import { describe, expect, it } from 'vitest'
import { type ServiceSource, startFirst } from './test-service.ts'

describe('startFirst', () => {
  it('uses the first available source and starts no other', async () => {
    const service = await startFirst('Redis', [closed, open('redis://container'), failing], fail)
    expect(service.url).toBe('redis://container')
  })

  it('logs in one line why a source failed, and tries the next', async () => {
    const lines: string[] = []
    const service = await startFirst('Redis', [failing, open('redis://local')], (line) => lines.push(line))
    expect(service.url).toBe('redis://local')
    expect(lines).toEqual(['no Redis from a container: pull access denied'])
  })

  it('names the setup command if every source fails', async () => {
    await expect(startFirst('Redis', [closed, failing], () => {})).rejects.toThrow('node scripts/setup.mjs --tests')
  })
})

const closed: ServiceSource = { name: 'the environment', start: async () => undefined }

const failing: ServiceSource = {
  name: 'a container',
  start: () => Promise.reject(new Error('pull access denied\nmore that nobody reads')),
}

function open(url: string): ServiceSource {
  return { name: url, start: async () => ({ url, [Symbol.asyncDispose]: async () => {} }) }
}

function fail(line: string): never {
  throw new Error(`unexpected: ${line}`)
}
