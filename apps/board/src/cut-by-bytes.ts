import { Buffer } from 'node:buffer'
import { MAX_BATCH_BYTES } from '@warmhook/schema/batch'

/** Cuts a list, in its order, into parts that each fit a job. An item that is too large by itself gets a part of its own. */
export function cutByBytes<Item>(items: readonly Item[]): Item[][] {
  const parts: Item[][] = []
  let room = 0
  for (const item of items) {
    const bytes = Buffer.byteLength(JSON.stringify(item)) + separatorBytes
    const last = parts.at(-1)
    if (last === undefined || bytes > room) {
      parts.push([item])
      room = MAX_BATCH_BYTES - frameBytes
    } else last.push(item)
    room -= bytes
  }
  return parts
}

const separatorBytes = 1
/** The rest of a job's payload: the names of its fields, a replay id. */
const frameBytes = 256
