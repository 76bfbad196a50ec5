export interface BatchLimits {
  readonly maxItems: number
  /** In the unit of the sizes given: mostly bytes. */
  readonly maxSize: number
}

/**
 * Cuts a list, in its order, into batches within the limits; into equal ones where the number of items decides, since a
 * small rest would cost as much as a full batch. An item that is too large by itself gets a batch of its own.
 */
export function cutBatches<Item>(
  items: readonly Item[],
  sizeOf: (item: Item) => number,
  { maxItems, maxSize }: BatchLimits,
): Item[][] {
  const count = Math.ceil(items.length / Math.max(1, Math.ceil(items.length / maxItems)))
  const batches: Item[][] = []
  let batch: Item[] = []
  let size = 0
  for (const item of items) {
    const itemSize = sizeOf(item)
    if (batch.length > 0 && (batch.length >= count || size + itemSize > maxSize)) {
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
