import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { crmOf, hasCrm } from './crm-settings.ts'
import { readCrmSettings } from './read-crm-settings.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warmhook-accounts-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const key = (letter: string) => letter.repeat(24)
const read = (env: NodeJS.ProcessEnv) => readCrmSettings(env, ['mailivery'])

function withFile(lines: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const path = join(directory, 'endpoints.yml')
  writeFileSync(path, lines.join('\n'))
  return read({ ENDPOINTS_FILE: path, ...env })
}

describe('readCrmSettings', () => {
  it('finds no account in an empty environment', () => {
    expect(hasCrm(read({}))).toBe(false)
  })

  it.each([
    [{ HUBSPOT_ACCESS_TOKEN: 'pat-1' }, 'hubspot', 'https://api.hubapi.com'],
    [{ PIPEDRIVE_API_TOKEN: 'p-1' }, 'pipedrive', 'https://api.pipedrive.com/api/v2'],
    [{ ATTIO_API_KEY: 'a-1', ATTIO_BASE_URL: 'http://127.0.0.1:9' }, 'attio', 'http://127.0.0.1:9'],
    [
      { CRM_HTTP_URL: 'https://example.com/c', CRM_HTTP_SECRET: 'at-least-16-characters' },
      'http',
      'https://example.com/c',
    ],
  ])('takes the account whose credentials are set: %j', (env, provider, baseUrl) => {
    const crm = crmOf(read(env), 'anybody')
    expect(crm).toMatchObject({
      mode: 'upsert',
      onDelete: 'mark',
      account: { id: provider, provider, access: { baseUrl } },
    })
  })

  it('asks to choose between two accounts, and takes the chosen one', () => {
    const env = { HUBSPOT_ACCESS_TOKEN: 'pat-1', ATTIO_API_KEY: 'a-1' }
    expect(() => read(env)).toThrow(/credentials of hubspot and attio are set: choose one with CRM_PROVIDER/)
    expect(crmOf(read({ ...env, CRM_PROVIDER: 'attio' }), 'x')?.account.provider).toBe('attio')
  })

  it.each([
    [{ CRM_PROVIDER: 'pipedrive' }, /CRM_PROVIDER is pipedrive, but PIPEDRIVE_API_TOKEN is not set/],
    [{ CRM_PROVIDER: 'http', CRM_HTTP_URL: 'https://example.com' }, /CRM_HTTP_SECRET is not set/],
    [{ CRM_PROVIDER: 'salesforce' }, /CRM_PROVIDER must be hubspot, pipedrive, attio or http/],
    [{ ATTIO_API_KEY: 'a-1', CRM_ON_DELETE: 'archive' }, /CRM_ON_DELETE is archive, but Attio can't archive/],
    [{ ATTIO_API_KEY: 'a-1', CRM_MODE: 'replace' }, /CRM_MODE must be upsert or update-only/],
    [
      { ATTIO_API_KEY: 'a-1', CRM_MAPPING_FILE: '/nowhere.yml' },
      /CRM_MAPPING_FILE refers to a file that does not exist/,
    ],
  ])('explains what is wrong with %j', (env, expected) => {
    expect(() => read(env)).toThrow(expected)
  })

  it("gives owners their own accounts, and others the environment's", () => {
    writeFileSync(join(directory, 'acme.token'), 'pat-acme\n')
    const settings = withFile(
      [
        'endpoints:',
        `  - { owner: acme, keys: [${key('a')}], crm: { provider: pipedrive, tokenFile: acme.token, mode: update-only, onDelete: archive } }`,
        `  - { owner: beta, keys: [${key('b')}] }`,
      ],
      { HUBSPOT_ACCESS_TOKEN: 'pat-1' },
    )
    expect(settings.owners).toEqual(['acme', 'beta'])
    expect(crmOf(settings, 'acme')).toMatchObject({
      mode: 'update-only',
      onDelete: 'archive',
      account: { provider: 'pipedrive', id: expect.stringMatching(/^pipedrive:[0-9a-f]{16}$/) },
    })
    expect(crmOf(settings, 'acme')?.account.access.token.reveal()).toBe('pat-acme')
    expect(crmOf(settings, 'beta')?.account.id).toBe('hubspot')
  })

  it('lets two owners share an account, also that of the environment', () => {
    writeFileSync(join(directory, 'shared.token'), 'pat-1')
    const crm = 'crm: { provider: hubspot, tokenFile: shared.token }'
    const settings = withFile(
      ['endpoints:', `  - { owner: a, keys: [${key('a')}], ${crm} }`, `  - { owner: b, keys: [${key('b')}], ${crm} }`],
      { HUBSPOT_ACCESS_TOKEN: 'pat-1' },
    )
    const [a, b] = ['a', 'b'].map((owner) => crmOf(settings, owner)?.account)
    expect(a).toEqual(b)
    expect(a?.id).toBe('hubspot')
  })

  it.each([
    ['crm: { provider: hubspot }', /line 2: endpoints\[0\].crm.tokenFile/],
    ['crm: { provider: hubspot, tokenFile: absent }', /line 2: tokenFile refers to a file that does not exist/],
    ['crm: { provider: http, tokenFile: t }', /line 2: baseUrl is required for http/],
    ['crm: { provider: hubspot, tokenFile: t, modus: x }', /line 2: .*unknown setting modus/],
    [
      'crm: { provider: attio, tokenFile: t, onDelete: archive }',
      /line 2: onDelete is archive, but Attio can't archive/,
    ],
    ['crm: { provider: close, tokenFile: t }', /line 2: .*must be hubspot, pipedrive, attio or http/],
  ])('explains what is wrong with %s', (crm, expected) => {
    writeFileSync(join(directory, 't'), 'token')
    expect(() => withFile(['endpoints:', `  - { owner: acme, keys: [${key('a')}], ${crm} }`])).toThrow(expected)
  })

  it('reveals no token in what can be logged', () => {
    const settings = read({ HUBSPOT_ACCESS_TOKEN: 'pat-hidden' })
    expect(JSON.stringify(settings)).not.toContain('hidden')
    expect(inspect(settings, { depth: 9 })).not.toContain('hidden')
  })
})
