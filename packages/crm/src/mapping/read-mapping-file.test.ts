import { EnvError } from '@warmhook/config/parse-env'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hubspot } from '../hubspot/hubspot-provider.ts'
import type { ContactState } from './contact-state.ts'
import { defaultMapping, fieldDescriptions } from './default-mapping.ts'
import { mapContact, type Mapping } from './mapping.ts'
import { readMappingFile } from './read-mapping-file.ts'

let path: string
beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), 'warmhook-mapping-')), 'mapping.yaml')
})
afterAll(() => rmSync(join(path, '..'), { recursive: true, force: true }))

function read(text: string | Uint8Array): Mapping {
  writeFileSync(path, text)
  return readMappingFile(path, hubspot)
}

function problemsOf(text: string | Uint8Array): readonly string[] {
  try {
    read(text)
    return []
  } catch (error) {
    if (!(error instanceof EnvError)) throw error
    return error.problems
  }
}

const secretText = 'this-is-not-to-be-quoted-because-it-may-be-a-key'
const known =
  'status, statusSince, pausedSince, pauseReason, provider, tags, campaignId, campaignUrl, lastEventAt, owner, firstName, lastName'

const state: ContactState = {
  status: 'paused',
  statusSince: 1_700_000_000_000,
  pausedSince: 1_700_000_000_000,
  pauseReason: 'Smtp Connection Error',
  provider: 'smtp',
  tags: null,
  campaignId: 42,
  lastEventAt: 1_700_000_000_000,
  owner: 'a & b',
  firstName: null,
  lastName: null,
}

function written(mapping: Mapping): Readonly<Record<string, string | number | null>> {
  return Object.fromEntries(mapContact(mapping, state).map(({ property, value }) => [property.name, value]))
}

function documentedFile(): string {
  const page = readFileSync(new URL('../../../../docs/crm-mapping.md', import.meta.url), 'utf8')
  return /^```yaml\n(.*?)^```$/ms.exec(page)?.[1] ?? ''
}

describe('readMappingFile', () => {
  it('reads the file of the documentation', () => {
    const mapping = read(documentedFile())
    expect(mapping.campaignUrl).toBe('https://app.example.com/campaigns/{campaignId}')
    expect(mapping.properties.map(({ property }) => property)).toEqual([
      { name: 'mailivery_warmup_status', ...fieldDescriptions.status },
      {
        name: 'mailivery_paused_since',
        ...fieldDescriptions.pausedSince,
        label: 'Paused since',
        description: 'Empty unless paused',
      },
      { name: 'mailivery_state', ...fieldDescriptions.status, label: 'Mailivery state', type: 'text', options: [] },
      {
        name: 'mailivery_source',
        label: 'Source',
        description: 'The same for every contact',
        type: 'text',
        options: [],
      },
      { name: 'mailivery_campaign', ...fieldDescriptions.campaignUrl },
    ])
    expect(written(mapping)).toEqual({
      mailivery_warmup_status: 'paused',
      mailivery_paused_since: 1_700_000_000_000,
      mailivery_state: 'Down',
      mailivery_source: 'warmhook',
      mailivery_campaign: 'https://app.example.com/campaigns/42',
    })
  })

  it('reads the default mapping from short forms', () => {
    const lines = defaultMapping.properties.map(
      ({ property, source }) => `  ${property.name}: ${source.kind === 'field' ? source.field : ''}`,
    )
    expect(read(['properties:', ...lines].join('\n'))).toEqual(defaultMapping)
  })

  it('documents every field and every setting', () => {
    const page = readFileSync(new URL('../../../../docs/crm-mapping.md', import.meta.url), 'utf8')
    const documented = [...page.matchAll(/^\| `(\w+)`/gm)].map(([, field]) => field)
    expect(documented).toEqual([...known.split(', '), 'from', 'constant', 'values', 'label', 'description', 'type'])
  })

  it('offers the translation of every status as an option', () => {
    const [mapped] = read(`properties:
  mailbox_state: { from: status, values: { pending: Soon, active: Healthy, removed: Soon } }`).properties
    expect(mapped?.property).toMatchObject({
      label: 'Mailbox state',
      type: 'choice',
      options: ['Soon', 'Healthy', 'paused'],
    })
  })

  it('offers the translations of another field as options', () => {
    const mapping = read(`properties:
  host: { from: provider, type: choice, values: { smtp: Other, gmail: Google, imap: Other } }`)
    expect(mapping.properties[0]?.property.options).toEqual(['Other', 'Google'])
    expect(written(mapping)).toEqual({ host: 'Other' })
  })

  it('reads numbers, and constants of both types', () => {
    const mapping = read(`properties:
  campaign: { from: campaignId, type: number }
  since: { from: statusSince, type: number }
  version: { constant: 2, type: number }
  version_text: { constant: 2 }`)
    expect(written(mapping)).toEqual({ campaign: 42, since: 1_700_000_000_000, version: 2, version_text: '2' })
    expect(mapping.properties.map(({ property }) => property.label)).toEqual([
      'Mailivery campaign id',
      'Warm-up status since',
      'Version',
      'Version text',
    ])
  })

  it('fills a template with several fields, encoded', () => {
    const mapping = read(`campaignUrl: https://{provider}.example.com/{owner}?c={campaignId}&t={tags}
properties: { link: campaignUrl }`)
    expect(written(mapping)).toEqual({ link: 'https://smtp.example.com/a%20%26%20b?c=42&t=' })
  })

  it('accepts anchors, CRLF and a byte order mark', () => {
    const mapping = read('\uFEFFproperties:\r\n  one: &one { from: owner }\r\n  two: { from: provider }\r\n')
    expect(mapping.properties).toHaveLength(2)
    const shared =
      'properties:\n  one: { from: status, values: &v { active: Up }, label: A }\n  two: { from: status, values: *v, label: B }'
    expect(read(shared).properties[1]?.property.options).toEqual(['pending', 'Up', 'paused', 'removed'])
  })

  it('lists every problem at once, in the order of the lines', () => {
    expect(
      problemsOf(`campaignUrl: https://app.example.com/{campaign}
property: {}
properties:
  Status: status
  email: provider
  mailivery_a: state
  mailivery_b:
    from: status
    labl: State
  mailivery_c: { from: status, type: datetime }
  mailivery_d: { constant: x, values: { a: b } }
  mailivery_e: tags
  mailivery_f:
    from: owner
    label: mailivery TAGS
`),
    ).toEqual([
      `CRM_MAPPING_FILE, line 1: campaignUrl has an unknown placeholder; known are ${known
        .split(', ')
        .filter((field) => field !== 'campaignUrl')
        .map((field) => `{${field}}`)
        .join(', ')}`,
      'CRM_MAPPING_FILE, line 2: property is an unknown setting',
      'CRM_MAPPING_FILE, line 4: properties.Status must have a name of lower-case letters, digits and underscores that starts with a letter (at most 100)',
      'CRM_MAPPING_FILE, line 5: properties.email belongs to HubSpot; Warmhook only writes properties of its own',
      `CRM_MAPPING_FILE, line 6: properties.mailivery_a must be a field: ${known}`,
      'CRM_MAPPING_FILE, line 9: properties.mailivery_b.labl is an unknown setting',
      'CRM_MAPPING_FILE, line 10: properties.mailivery_c.type datetime needs a field that is a time: statusSince, pausedSince, lastEventAt',
      'CRM_MAPPING_FILE, line 11: properties.mailivery_d.values needs from',
      'CRM_MAPPING_FILE, line 15: properties.mailivery_f.label is the same as that of line 12: set another',
    ])
  })

  it.each([
    ['a name that starts with a digit', '1a: owner', '1a must have a name of lower-case letters'],
    ['a name with a hyphen', 'a-b: owner', '… must have a name of lower-case letters'],
    ['a name of 101 characters', `${'a'.repeat(101)}: owner`, '… must have a name of lower-case letters'],
    ['a property of the provider', 'hs_lead_status: status', 'hs_lead_status belongs to HubSpot'],
    ['nothing', 'a:', 'a must be a field, or a map with from or constant'],
    ['a number', 'a: 5', 'a must be a field, or a map with from or constant'],
    ['a list', 'a: [status]', 'a must be a field, or a map with from or constant'],
    ['an empty map', 'a: {}', 'a needs from or constant'],
    ['both sources', 'a: { from: owner, constant: x }', 'a.constant cannot be combined with from'],
    ['an unknown field', 'a: { from: Status }', `a.from must be a field: ${known}`],
    ['a field of the prototype', 'a: toString', `a must be a field: ${known}`],
    [
      'a constant that is a switch',
      'a: { constant: true }',
      'a.constant must be text of 1 to 1000 characters, or a number',
    ],
    ['an empty constant', 'a: { constant: "" }', 'a.constant must not be empty'],
    ['an infinite constant', 'a: { constant: .inf }', 'a.constant must be text of 1 to 1000 characters, or a number'],
    ['a constant choice', 'a: { constant: x, type: choice }', 'a.type choice needs the field status, or values'],
    ['a constant time', 'a: { constant: x, type: datetime }', 'a.type datetime needs a field that is a time'],
    ['a number that is text', 'a: { constant: "5", type: number }', 'a.type number needs a number'],
    ['values without from', 'a: { constant: x, values: { x: y } }', 'a.values needs from'],
    ['no values', 'a: { from: status, values: {} }', 'a.values must contain a value'],
    [
      'a list of values',
      'a: { from: status, values: [x] }',
      'a.values must be a map from values of the field to others',
    ],
    [
      'a value that is a number',
      'a: { from: status, values: { active: 1 } }',
      'a.values.active must be text: put it in quotes',
    ],
    ['an empty value', 'a: { from: status, values: { active: "" } }', 'a.values.active must not be empty'],
    [
      'an unknown status',
      'a: { from: status, values: { Active: x } }',
      'a.values.Active is not a status: pending, active, paused, removed',
    ],
    ['a translated time', 'a: { from: pausedSince, values: { x: y } }', 'a.values cannot translate a time'],
    ['an unknown type', 'a: { from: status, type: enum }', 'a.type must be text, datetime, number or choice'],
    ['a time that is no time', 'a: { from: owner, type: datetime }', 'a.type datetime needs a field that is a time'],
    ['a choice without options', 'a: { from: owner, type: choice }', 'a.type choice needs the field status, or values'],
    [
      'a status as a number',
      'a: { from: status, type: number }',
      'a.type number needs a field that is a number or a time',
    ],
    ['a translated number', 'a: { from: campaignId, type: number, values: { "1": x } }', 'a.type number needs a field'],
    [
      'a time as text',
      'a: { from: pausedSince, type: text }',
      'a.type text does not fit a time: use datetime or number',
    ],
    ['a label that is a number', 'a: { from: owner, label: 5 }', 'a.label must be text: put it in quotes'],
    ['an empty label', 'a: { from: owner, label: " " }', 'a.label must not be empty'],
    ['a long label', `a: { from: owner, label: ${'x'.repeat(101)} }`, 'a.label must be at most 100 characters'],
    ['a label of two lines', 'a: { from: owner, label: "x\\ny" }', 'a.label must be on one line'],
    [
      'a long description',
      `a: { from: owner, description: ${'x'.repeat(501)} }`,
      'a.description must be at most 500 characters',
    ],
    ['options', 'a: { from: status, options: [x] }', 'a.options is an unknown setting'],
    ['a link without a template', 'a: campaignUrl', 'a needs the template campaignUrl at the top of the file'],
  ])('refuses %s', (_what, entry, problem) => {
    const problems = problemsOf(`properties:\n\n  ok: tags\n  ${entry}\n`)
    expect(problems).toEqual([expect.stringContaining(`CRM_MAPPING_FILE, line 4: properties.${problem}`)])
  })

  it('refuses default labels that are the same, and says where the other is', () => {
    expect(problemsOf('properties:\n  a: status\n\n  b: status')).toEqual([
      'CRM_MAPPING_FILE, line 4: properties.b.label is the same as that of line 2: set another',
    ])
  })

  it.each([
    ['a number', '5', 'must be a URL of at most 1000 characters'],
    ['nothing', '', 'must be a URL of at most 1000 characters'],
    ['a long text', `https://a.example/${'x'.repeat(1_000)}`, 'must be a URL of at most 1000 characters'],
    ['no URL', 'app.example.com/{campaignId}', 'must be a URL such as'],
    ['another scheme', 'javascript:alert({campaignId})', 'must be a URL such as'],
    ['itself as a placeholder', 'https://a.example/{campaignUrl}', 'has an unknown placeholder'],
    ['an empty placeholder', 'https://a.example/{}', 'has an unknown placeholder'],
    ['an open brace', '"https://a.example/{campaignId"', 'has a brace without its counterpart'],
  ])('refuses a template that is %s', (_what, template, problem) => {
    expect(problemsOf(`properties: { a: campaignUrl }\ncampaignUrl: ${template}`)).toEqual([
      expect.stringContaining(`CRM_MAPPING_FILE, line 2: campaignUrl ${problem}`),
    ])
  })

  it.each([
    ['an empty file', '', 'line 1: the file must be a map with properties'],
    ['a list', '- a: status', 'line 1: the file must be a map with properties'],
    [
      'no properties',
      '# nothing\ncampaignUrl: https://a.example',
      'line 1: properties must be a map with at least one property',
    ],
    ['empty properties', '\nproperties: {}', 'line 2: properties must be a map with at least one property'],
    ['a list of properties', '\nproperties: [status]', 'line 2: properties must be a map with at least one property'],
    ['an open bracket', 'properties:\n  a: { from: [', 'line 2: not valid YAML at column'],
    [
      'a repeated property',
      'properties:\n  a: status\n  a: tags',
      'line 3: not valid YAML at column 3 (duplicate key)',
    ],
    ['an alias to nothing', 'properties: *x', 'line 1: '],
  ])('refuses %s', (_what, text, problem) => {
    expect(problemsOf(text)[0]).toContain(`CRM_MAPPING_FILE, ${problem}`)
  })

  it.each([
    `${secretText}: {}\nproperties: { a: status }`,
    `properties:\n  ${secretText}: status`,
    `properties:\n  a: ${secretText}`,
    `properties:\n  a: { from: ${secretText} }`,
    `properties:\n  a: { from: status, ${secretText}: 1 }`,
    `properties:\n  a: { from: status, values: { ${secretText}: x } }`,
    `properties:\n  a: { from: status, type: ${secretText} }`,
    `properties:\n  a: status\ncampaignUrl: https://a.example/{${secretText}}`,
    `properties: [${secretText}`,
    secretText,
  ])('does not quote long text: %j', (text) => {
    const problems = problemsOf(text)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.join('\n')).not.toContain(secretText)
  })

  it('refuses a file that is too large, or no UTF-8', () => {
    expect(problemsOf(`#${' '.repeat(1024 ** 2)}`)).toEqual([
      'CRM_MAPPING_FILE refers to a file that is larger than 1048576 bytes',
    ])
    expect(problemsOf(Buffer.from('# caf\xe9', 'latin1'))).toEqual([
      'CRM_MAPPING_FILE refers to a file that is not UTF-8 text',
    ])
  })

  it.each([
    ['is a directory', '/'],
    ['does not exist', '/no/such/file'],
    ['is not a regular file', '/dev/zero'],
  ])('refuses a path that %s', (problem, file) => {
    expect(() => readMappingFile(file, hubspot)).toThrow(`CRM_MAPPING_FILE refers to a file that ${problem}`)
  })
})
