/**
 * Mutants that behave as the code does, as far as anybody can tell from outside: by what `describeMutant` says of them,
 * without the line's number. Each with the reason.
 */
const equivalent: readonly (readonly [mutant: string, reason: string])[] = []

/** Why no test could notice a mutant; undefined where one should. */
export function reasonForEquivalence(words: string): string | undefined {
  const known = words.replace(/:\d+:/, ':')
  return equivalent.find(([mutant]) => mutant === known)?.[1]
}
