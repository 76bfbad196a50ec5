export interface BatchLimits {
  readonly maxItems: number
  /** In the unit of the sizes given: mostly bytes. */
  readonly maxSize: number
}

/** Cuts a list, in its order, into batches within the limits. An item that is too large by itself gets a batch of its own. */
export function cutBatches<Item>(
  items: readonly Item[],
  sizeOf: (item: Item) => number,
  { maxItems, maxSize }: BatchLimits,
): Item[][] {
  const batches: Item[][] = []
  let batch: Item[] = []
  let size = 0
  for (const item of items) {
    const itemSize = sizeOf(item)
    if (batch.length > 0 && (batch.length >= maxItems || size + itemSize > maxSize)) {
      batches.push(batch)
      batch = []
      size = 0
    }
    batch.push(item)
    size += itemSize
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
