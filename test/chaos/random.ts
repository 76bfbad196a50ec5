/** Pseudo-random numbers from a seed, so that a run's faults are reproducible. */
export interface Random {
  /** An integer from `least` to `most`, inclusive. */
  between(least: number, most: number): number
  shuffle<T>(items: readonly T[]): T[]
  /** An independent generator: drawing from it does not affect this one. */
  fork(): Random
}

export function createRandom(seed: number): Random {
  const next = mulberry32(seed)
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  return {
    between,
    shuffle: (items) =>
      items
        .map((item) => ({ item, key: next() }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ item }) => item),
    fork: () => createRandom(between(0, 2 ** 32 - 1)),
  }
}

/** Numbers from 0 (inclusive) to 1 (exclusive). Tommy Ettinger's generator, in the public domain. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
