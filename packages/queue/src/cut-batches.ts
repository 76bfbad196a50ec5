export interface BatchLimits {
  readonly maxItems: number
  readonly maxBytes: number
}

/** Cuts a list, in its order, into batches within the limits. An item that is too large by itself gets a batch of its own. */
export function cutBatches<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  { maxItems, maxBytes }: BatchLimits,
): Item[][] {
  const batches: Item[][] = []
  let batch: Item[] = []
  let bytes = 0
  for (const item of items) {
    const itemBytes = bytesOf(item)
    if (batch.length > 0 && (batch.length >= maxItems || bytes + itemBytes > maxBytes)) {
      batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(item)
    bytes += itemBytes
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
