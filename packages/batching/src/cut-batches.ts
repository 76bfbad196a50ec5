export interface BatchLimits {
  readonly maxItems: number
  /** In the unit of `sizeOf`, usually bytes. */
  readonly maxSize: number
}

/**
 * Cuts a list, in order, into batches within the limits. If the number of items decides, the batches are equal, because
 * a small remainder would cost as much as a full batch. An item that exceeds the limit gets its own batch.
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
