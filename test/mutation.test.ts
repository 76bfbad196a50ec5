import { describe, expect, it } from 'vitest'
import { applyMutant, describeMutant } from './mutation/mutant.ts'
import { mutantsOf } from './mutation/mutants-of.ts'
import { selectTests } from './mutation/select-tests.ts'

describe('mutantsOf', () => {
  it.each([
    ['export const a = (n: number) => n < 3', ['n <= 3', 'n < 4']],
    ['export const a = (b: boolean) => !b && b', ['!b || b', 'b && b']],
    ['export const a = (n: number) => (n === 1 ? "x" : "y")', ['n !== 1', 'n === 2', 'true ?', 'false ?']],
    ['export const a = (n: number[]) => n.some(Boolean)', ['n.every(Boolean)']],
    ['export function a(s: Set<number>) { s.clear() }', ['{ ; }']],
    ['const q = sql`SELECT 1 FROM t WHERE a < b AND c IS NULL`', ['a <= b', 'b OR c', 'c IS NOT NULL', 'SELECT 1']],
  ])('changes %s', (text, parts) => {
    const mutated = mutantsOf('a.ts', text).map((mutant) => applyMutant(text, mutant))
    for (const part of parts) expect(mutated.some((code) => code.includes(part))).toBe(true)
    expect(new Set(mutated).size).toBe(mutated.length)
  })

  it.each([
    "import a from 'b'",
    'type A = 1 | 2',
    'log.warn({ n: 1 }, "text")',
    'deps.log.info({ a: true })',
    'const a = b.toString()',
  ])('leaves %s alone', (text) => {
    expect(mutantsOf('a.ts', text)).toEqual([])
  })

  it('describes a mutant by its place and its change', () => {
    const text = 'const a = 1\nconst b = a < 2\n'
    const [, mutant] = mutantsOf('a.ts', text)
    expect(mutant && describeMutant(text, mutant)).toBe('a.ts:2: < → <=')
  })
})

describe('selectTests', () => {
  const edges = [
    ['packages/a/src/x.test.ts', 'packages/a/src/x.ts'],
    ['packages/a/src/y.ts', 'packages/a/src/x.ts'],
    ['packages/b/src/y.test.ts', 'packages/a/src/y.ts'],
    ['test/whole.test.ts', 'packages/testing/src/spawn-app.ts'],
    ['test/chaos.test.ts', 'packages/testing/src/spawn-app.ts'],
  ].map(([from = '', to = '']) => ({ from, to, specifier: to }))

  it('selects the nearest tests first, and for an app those that start whole processes', () => {
    expect(selectTests('packages/a/src/x.ts', { edges })).toEqual([
      ['packages/a/src/x.test.ts'],
      ['packages/b/src/y.test.ts'],
    ])
    expect(selectTests('apps/c/src/z.ts', { edges })).toEqual([['test/whole.test.ts']])
  })
})
