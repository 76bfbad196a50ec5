/**
 * Mutants that cannot be distinguished from the original code from outside, with the reason. The key is the output of
 * `describeMutant` without the line number.
 */
const equivalent: readonly (readonly [mutant: string, reason: string])[] = [
  ['packages/store/src/events/list-events.ts: 1 → 2', 'the page is cut to its size; only one extra row is read'],
  [
    'packages/store/src/retention/remove-rows.ts: < → <=',
    'no event has the id of the bound: its version and variant are zero',
  ],
]

/** Why no test can detect a mutant; undefined if a test should. */
export function reasonForEquivalence(words: string): string | undefined {
  const known = words.replace(/:\d+:/, ':')
  return equivalent.find(([mutant]) => mutant === known)?.[1]
}
