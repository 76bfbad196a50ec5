import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Endpoint } from './endpoints.ts'
import { EnvError } from './parse-env.ts'
import { readEndpoints } from './read-endpoints.ts'

let path: string
beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), 'warmhook-endpoints-')), 'endpoints.yaml')
})
afterAll(() => rmSync(join(path, '..'), { recursive: true, force: true }))

const keyA = 'key-a-of-at-least-128-bits'
const keyB = 'key-b-of-at-least-128-bits'
const keyC = 'key-c-of-at-least-128-bits'
const digest = (key: string): string => createHash('sha256').update(key).digest('hex')
const sha256 = (key: string): string => `sha256:${digest(key)}`

function read(text: string | Uint8Array, env: Record<string, string> = {}): readonly Endpoint[] {
  writeFileSync(path, text)
  return readEndpoints({ ENDPOINTS_FILE: path, ...env }, ['mailivery', 'other'])
}

/** Fails if a message contains a key or a digest. */
function problemsOf(text: string | Uint8Array, env: Record<string, string> = {}): readonly string[] {
  try {
    read(text, env)
    return []
  } catch (error) {
    if (!(error instanceof EnvError) || /key-[abc]|[\da-f]{32}/.test(error.message)) throw error
    return error.problems
  }
}

describe('readEndpoints', () => {
  it('reads owners with plain-text keys and digests, two during a rotation', () => {
    const endpoints = read(`
endpoints:
  - owner: acme
    keys: [${keyA}, "${sha256(keyB).toUpperCase().replace('SHA', 'sha')}"]
    allow: [203.0.113.0/24, "2001:db8::/32"]
  - { owner: beta, source: other, keys: ['${sha256(keyC)}'] }
`)
    expect(endpoints.map(({ owner, source, keyDigests }) => [owner, source, keyDigests])).toEqual([
      ['acme', 'mailivery', [digest(keyA), digest(keyB)]],
      ['beta', 'other', [digest(keyC)]],
    ])
    expect(endpoints.map(({ shownKey }) => shownKey?.reveal())).toEqual([keyA, undefined])
    expect(endpoints[0]?.allow?.has('203.0.113.9')).toBe(true)
    expect(endpoints[0]?.allow?.has('203.0.114.9')).toBe(false)
    expect(endpoints[1]?.allow).toBeUndefined()
  })

  it('accepts anchors, CRLF, a byte order mark, and white space around keys', () => {
    const text = `\uFEFFoffice: &x\r\n`
    expect(problemsOf(text)).not.toEqual([])
    const endpoints = read(
      `\uFEFFendpoints:\r\n  - owner: acme\r\n    keys: [" ${keyA}\\n"]\r\n    allow: &office [192.0.2.1]\r\n  - owner: beta\r\n    keys: [${keyB}]\r\n    allow: *office\r\n`,
    )
    expect(endpoints.map(({ allow }) => allow?.has('192.0.2.1'))).toEqual([true, true])
    expect(endpoints[0]?.keyDigests).toEqual([digest(keyA)])
  })

  it('returns only the default endpoint without a file, both with a file, and none without either', () => {
    expect(readEndpoints({ WARMHOOK_ENDPOINT_KEY: keyA }, ['mailivery']).map(({ owner }) => owner)).toEqual(['default'])
    const both = read(`endpoints: [{ owner: acme, keys: [${keyB}] }]`, { WARMHOOK_ENDPOINT_KEY: keyA })
    expect(both.map(({ owner }) => owner)).toEqual(['default', 'acme'])
    expect(read(`endpoints: [{ owner: acme, keys: [${keyB}] }]`).map(({ owner }) => owner)).toEqual(['acme'])
    expect(readEndpoints({}, ['mailivery'])).toEqual([])
  })

  it("resolves the file of an owner's key for Mailivery, and keeps its line", () => {
    const [endpoint] = read(`endpoints:\n  - owner: acme\n    keys: [${keyA}]\n    mailivery: { apiKeyFile: m.key }\n`)
    expect(endpoint?.mailivery).toEqual({
      apiKeyFile: join(path, '..', 'm.key'),
      place: 'ENDPOINTS_FILE, line 4',
    })
  })

  it('lists every problem at once, with its line', () => {
    expect(
      problemsOf(`endpoints:
  - owner: acme
    source: mailivry
    keys:
      - ${keyA}
      - key-a/with-a-slash-in-a-key
  - owner: beta
    keys: [${keyA}]
    allow: []
  - owner: "beta"
    keys: [too-short]
    allow: [203.0.113.0/33]
    key: x
  - keys: [12345678901234567890123, ${keyC}]
  - owner: "nul\\0"
    keys: ["${sha256(keyC)}", sha256:123]
`),
    ).toEqual([
      'ENDPOINTS_FILE, line 3: endpoints[0].source must be a known source: mailivery, other',
      'ENDPOINTS_FILE, line 6: endpoints[0].keys[1] is part of a URL: it may only contain letters, digits and - . _ ~',
      'ENDPOINTS_FILE, line 9: endpoints[1].allow must not be empty: omit it to accept every address',
      'ENDPOINTS_FILE, line 11: endpoints[2].keys[0] must be at least 22 characters (128 bits)',
      'ENDPOINTS_FILE, line 12: endpoints[2].allow[0] must be an IP address or a CIDR range such as 203.0.113.0/24',
      'ENDPOINTS_FILE, line 13: endpoints[2] has the unknown setting key',
      'ENDPOINTS_FILE, line 14: endpoints[3].owner must be a string: put it in quotes',
      'ENDPOINTS_FILE, line 14: endpoints[3].keys[0] must be a string: put it in quotes',
      'ENDPOINTS_FILE, line 15: endpoints[4].owner must not contain control characters or other invisible characters',
      'ENDPOINTS_FILE, line 16: endpoints[4].keys[1] must have 64 hex digits after sha256:',
      'ENDPOINTS_FILE, line 8: repeats the key of line 5',
      'ENDPOINTS_FILE, line 10: has the same owner and source as the entry of line 7',
      'ENDPOINTS_FILE, line 16: repeats the key of line 14',
    ])
  })

  it.each([
    ['two owners', `[{owner: a, keys: [${keyA}]},\n  {owner: b, keys: [${keyA}]}]`, 2],
    ['a key and its digest', `[{owner: a, keys: [${keyA}]},\n  {owner: b, keys: ["${sha256(keyA)}"]}]`, 2],
    [
      'digests in two cases',
      `[{owner: a, keys: ["${sha256(keyA)}"]},\n  {owner: b, keys: ["sha256:${sha256(keyA).slice(7).toUpperCase()}"]}]`,
      2,
    ],
    ['one entry', `[{owner: a, keys: [${keyA},\n\n  ${keyA}]}]`, 3],
    ['two sources of an owner', `[{owner: a, keys: [${keyA}]},\n  {owner: a, source: other, keys: [${keyA}]}]`, 2],
  ])('refuses the same key in %s', (_name, list, line) => {
    expect(problemsOf(`endpoints: ${list}`)).toEqual([`ENDPOINTS_FILE, line ${line}: repeats the key of line 1`])
  })

  it('refuses a default key or owner that is also in the file', () => {
    expect(problemsOf(`endpoints: [{owner: a, keys: ["${sha256(keyA)}"]}]`, { WARMHOOK_ENDPOINT_KEY: keyA })).toEqual([
      'WARMHOOK_ENDPOINT_KEY is also used as a key of a in ENDPOINTS_FILE',
    ])
    expect(problemsOf(`endpoints: [{owner: default, keys: [${keyB}]}]`, { WARMHOOK_ENDPOINT_KEY: keyA })).toEqual([
      expect.stringMatching(/^ENDPOINTS_FILE contains the owner default/),
    ])
  })

  it.each([
    ['none', '[]', 'must contain a key'],
    ['three', `[${keyA}, ${keyB}, ${keyC}]`, 'must contain at most two keys'],
  ])('refuses %s keys', (_name, keys, problem) => {
    expect(problemsOf(`endpoints: [{owner: a, keys: ${keys}}]`)).toEqual([
      `ENDPOINTS_FILE, line 1: endpoints[0].keys ${problem}`,
    ])
  })

  it('reports a bad default key along with a bad file', () => {
    const problems = problemsOf('endpoints: []', { WARMHOOK_ENDPOINT_KEY: 'short' })
    expect(problems.map((problem) => problem.split(/[ ,]/)[0])).toEqual(['WARMHOOK_ENDPOINT_KEY', 'ENDPOINTS_FILE'])
  })

  it.each([
    ['an open bracket', `endpoints:\n  - { owner: a, keys: [${keyA} }`, /line 2: not valid YAML at column \d+/],
    ['a key as its own map', `endpoints:\n  - owner: a\n    ${keyA}: [`, /line \d: not valid YAML/],
    [
      'a repeated setting',
      `endpoints:\n  - owner: a\n    ${keyA}: 1\n    ${keyA}: 2`,
      /line 4: not valid YAML at column 5 \(duplicate key\)/,
    ],
    ['an alias to nothing', `endpoints: *${keyA}`, /line 1: /],
    ['a tab for indentation', `endpoints:\n\t- owner: ${keyA}`, /line 2: not valid YAML/],
    ['an unknown tag', `endpoints: !${keyA} x`, /line 1: not valid YAML/],
    ['a collection as a name', `endpoints:\n  - { ? [${keyA}] : 1 }`, /line 2: not valid YAML/],
    [
      'a key as a setting',
      `endpoints:\n  - owner: a\n    keys: [${keyB}]\n    ${keyA}: 1`,
      /line 4: endpoints\[0\] has an unknown setting$/,
    ],
    ['two documents', `endpoints: []\n---\nendpoints: [${keyA}]`, /not valid YAML/],
    ['a list alone', `- ${keyA}`, /line 1: the file /],
    ['nothing', '', /line 1: the file /],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((n, i) => `${n}: &${n} [${Array(10).fill(`*${'abcdefgh'[i]}`).join(',')}]`)
        .join('\n')}\nendpoints: *i`,
      /an alias is undefined or expands to too much/,
    ],
  ])('reports the location of %s, never its text', (_name, text, problem) => {
    expect(problemsOf(text)[0]).toMatch(problem)
  })

  it.each([
    ['is a directory', '/'],
    ['does not exist', '/no/such/file'],
    ['is not a regular file', '/dev/zero'],
  ])('refuses a path that %s', (problem, file) => {
    expect(() => readEndpoints({ ENDPOINTS_FILE: file }, ['mailivery'])).toThrow(
      `ENDPOINTS_FILE refers to a file that ${problem}`,
    )
  })

  it('refuses a file that is not UTF-8', () => {
    expect(problemsOf(Buffer.from(`endpoints: [{owner: a, keys: [${keyA}]}]`, 'utf16le'))).not.toEqual([])
    expect(problemsOf(Buffer.from('endpoints: [{owner: caf\xe9}]', 'latin1'))).toEqual([
      expect.stringContaining('is not UTF-8 text'),
    ])
  })
})
