import { describe, expect, it } from 'vitest'
import type { CrmProperty } from '../crm-provider.ts'
import { fromAttioValue, toAttioValues } from './to-attio-values.ts'

const property = (type: CrmProperty['type']): CrmProperty => ({
  name: type,
  label: '',
  description: '',
  type,
  options: [],
})

describe('toAttioValues', () => {
  it('sends each value as a list, and an empty list for none', () => {
    const values = [
      { property: property('text'), value: 'x' },
      { property: property('choice'), value: '' },
      { property: property('number'), value: '7' },
      { property: property('datetime'), value: 1_700_000_000_000 },
      { property: { ...property('text'), name: 'none' }, value: null },
    ]
    expect(toAttioValues(values)).toEqual({
      text: ['x'],
      choice: [],
      number: [7],
      datetime: ['2023-11-14T22:13:20.000Z'],
      none: [],
    })
  })
})

describe('fromAttioValue', () => {
  it.each([
    ['text', [{ value: 'x' }], 'x'],
    ['text', [{ value: 7 }], '7'],
    ['text', [{ value: '' }], null],
    ['text', [], null],
    ['text', undefined, null],
    ['text', [{ option: { title: 'x' } }], null],
    ['number', [{ value: 7.5 }], 7.5],
    ['number', [{ value: 'x' }], null],
    ['datetime', [{ value: '2023-11-14T22:13:20.123456789Z' }], 1_700_000_000_123],
    ['datetime', [{ value: '2023-11-14T22:13:20Z' }], 1_700_000_000_000],
    ['datetime', [{ value: 'yesterday' }], null],
  ] as const)('reads a %s from %j', (type, stored, expected) => {
    expect(fromAttioValue(property(type), stored)).toBe(expected)
  })
})
