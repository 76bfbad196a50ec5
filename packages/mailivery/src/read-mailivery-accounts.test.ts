import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readMailiveryAccounts } from './read-mailivery-accounts.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warmhook-mailivery-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const key = (letter: string) => letter.repeat(24)
const api = 'https://app.mailivery.io/api/v1'

/** Each owner's key and base URL. */
function read(env: NodeJS.ProcessEnv, lines: readonly string[] = []) {
  const path = join(directory, 'endpoints.yml')
  writeFileSync(path, ['endpoints:', ...lines].join('\n'))
  const file = lines.length === 0 ? {} : { ENDPOINTS_FILE: path }
  const accounts = readMailiveryAccounts({ ...file, ...env }, ['mailivery', 'other'])
  return Object.fromEntries([...accounts].map(([owner, { apiKey, baseUrl }]) => [owner, [apiKey.reveal(), baseUrl]]))
}

describe('readMailiveryAccounts', () => {
  it('finds none in an empty environment', () => {
    expect(read({})).toEqual({})
    expect(read({}, [`  - { owner: acme, keys: [${key('a')}] }`])).toEqual({})
  })

  it('gives the key of the environment to the default owner, with or without an endpoint', () => {
    expect(read({ MAILIVERY_API_KEY: 'm-1' })).toEqual({ default: ['m-1', api] })
    expect(read({ MAILIVERY_API_KEY: 'm-1', WARMHOOK_ENDPOINT_KEY: key('a') })).toEqual({ default: ['m-1', api] })
  })

  it('reads the key from MAILIVERY_API_KEY_FILE', () => {
    const file = join(directory, 'key')
    writeFileSync(file, 'm-file\n')
    expect(read({ MAILIVERY_API_KEY_FILE: file, MAILIVERY_BASE_URL: 'http://127.0.0.1:9/v1' })).toEqual({
      default: ['m-file', 'http://127.0.0.1:9/v1'],
    })
  })

  it("prefers an owner's own key, and gives the other owners that of the environment", () => {
    writeFileSync(join(directory, 'acme.key'), 'm-acme\n')
    writeFileSync(join(directory, 'beta.key'), 'm-beta')
    const lines = [
      `  - { owner: acme, keys: [${key('a')}], mailivery: { apiKeyFile: acme.key } }`,
      `  - { owner: beta, keys: [${key('b')}], mailivery: { apiKeyFile: beta.key, baseUrl: 'http://127.0.0.1:9' } }`,
      `  - { owner: gamma, keys: [${key('c')}] }`,
      `  - { owner: delta, source: other, keys: [${key('d')}] }`,
    ]
    const own = { acme: ['m-acme', api], beta: ['m-beta', 'http://127.0.0.1:9'] }
    expect(read({}, lines)).toEqual(own)
    expect(read({ MAILIVERY_API_KEY: 'm-1' }, lines)).toEqual({ ...own, gamma: ['m-1', api] })
  })

  it.each([
    ['mailivery: {}', /line 2: endpoints\[0\].mailivery.apiKeyFile/],
    ['mailivery: { apiKeyFile: absent }', /line 2: apiKeyFile refers to a file that does not exist/],
    ['mailivery: { apiKeyFile: empty }', /line 2: apiKeyFile refers to a file that is empty/],
    ['mailivery: { apiKeyFile: key, baseUrl: app.mailivery.io }', /line 2: .*baseUrl must be a URL/],
    ['mailivery: { apiKeyFile: key, apiKey: x }', /line 2: .*unknown setting apiKey/],
    [
      'source: other, mailivery: { apiKeyFile: key }',
      /line 2: mailivery belongs to an endpoint whose source is mailivery/,
    ],
  ])('explains what is wrong with %s', (setting, expected) => {
    writeFileSync(join(directory, 'key'), 'm-1')
    writeFileSync(join(directory, 'empty'), '\n')
    expect(() => read({}, [`  - { owner: acme, keys: [${key('a')}], ${setting} }`])).toThrow(expected)
  })

  it('lists every problem at once, without values', () => {
    const lines = ['a', 'b'].map(
      (name) => `  - { owner: ${name}, keys: [${key(name)}], mailivery: { apiKeyFile: no-${name} } }`,
    )
    expect(() => read({}, lines)).toThrow(/line 2: .*\n.*line 3: /)
    expect(() => read({ MAILIVERY_API_KEY: 'm 1', MAILIVERY_BASE_URL: 'secret-place' })).toThrow(
      /^(?!.*(m 1|secret-place)).*MAILIVERY_API_KEY .*MAILIVERY_BASE_URL /s,
    )
  })

  it('reveals no key in what can be logged', () => {
    const accounts = readMailiveryAccounts({ MAILIVERY_API_KEY: 'm-hidden' }, ['mailivery'])
    expect(JSON.stringify([...accounts])).not.toContain('hidden')
    expect(inspect(accounts, { depth: 9 })).not.toContain('hidden')
  })
})
