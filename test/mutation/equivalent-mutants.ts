/**
 * Mutants that behave as the code does, as far as anybody can tell from outside: by what `describeMutant` says of them,
 * without the line's number. Each with the reason.
 */
const equivalent: readonly (readonly [mutant: string, reason: string])[] = [
  ['packages/store/src/events/list-events.ts: 1 → 2', 'a page is cut to its size; one row more is read'],
  [
    'packages/store/src/retention/remove-rows.ts: < → <=',
    'the bound is an id that no event has: its version and variant are zero',
  ],
]

/** Why no test could notice a mutant; undefined where one should. */
export function reasonForEquivalence(words: string): string | undefined {
  const known = words.replace(/:\d+:/, ':')
  return equivalent.find(([mutant]) => mutant === known)?.[1]
}
