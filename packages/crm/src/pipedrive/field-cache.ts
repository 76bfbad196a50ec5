import type { CrmProperty } from '../crm-provider.ts'
import { fieldOf, listPersonFields, type FieldListing } from './person-fields.ts'
import type { PipedriveCalls } from './pipedrive-calls.ts'

/** The fields of an account, which every write needs. */
export interface FieldCache {
  /** Listed again after ten minutes, and when one of the properties has no field. */
  readonly find: (properties: readonly CrmProperty[], signal: AbortSignal) => Promise<FieldListing>
}

const keptMs = 10 * 60_000

export function createFieldCache(calls: PipedriveCalls, now: () => number): FieldCache {
  let listing: Promise<FieldListing> | undefined
  let listedAt = Number.NEGATIVE_INFINITY

  function list(signal: AbortSignal): Promise<FieldListing> {
    const started = listPersonFields(signal, calls)
    listing = started
    listedAt = now()
    return started
  }

  return {
    async find(properties, signal) {
      const isFresh = listing !== undefined && now() - listedAt < keptMs
      const shared = isFresh && listing !== undefined ? listing : list(signal)
      const found = await shared
      const isComplete =
        found.answer === undefined && properties.every((property) => fieldOf(found.fields, property) !== undefined)
      if (isComplete || !isFresh) {
        if (!isComplete) listing = undefined
        return found
      }
      // Another write may have listed them again meanwhile.
      return listing === shared ? list(signal) : (listing ?? list(signal))
    },
  }
}
