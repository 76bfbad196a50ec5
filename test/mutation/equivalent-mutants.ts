/**
 * Mutants that cannot be distinguished from the original code from outside, with the reason. The key is the output of
 * `describeMutant` without the line number.
 */
const equivalent: readonly (readonly [mutant: string, reason: string])[] = [
  ['packages/handlers/src/crm-sync/write-contacts.ts: others.length === 0 → false', 'only saves an empty query'],
  ['packages/queue/src/start-batch-worker.ts: timer.unref() → ;', 'the timer is cleared on disposal'],
  ['packages/schema/src/event-ref.ts: 13 → 14', 'the extra character is a dash, where parsing stops'],
  ['packages/store/src/lock-mailboxes.ts: 3 → 4', 'the seed of a hash that nothing else uses'],
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
