import type { Database } from '../database.ts'
import { isDataFault } from '../is-data-fault.ts'
import { insertEvents, type RoutedEvent } from './insert-events.ts'

/** Inserts an event and rolls back. Returns why the database rejects it, or undefined if it is accepted. */
export async function canRecord(db: Database, event: RoutedEvent): Promise<string | undefined> {
  try {
    await db.transaction().execute(async (tx) => {
      await insertEvents(tx, [event])
      throw new TakenBack()
    })
  } catch (error) {
    if (error instanceof TakenBack) return undefined
    if (error instanceof Error && isDataFault(error)) return error.message
    throw error
  }
  return undefined
}

class TakenBack extends Error {
  override readonly name = 'TakenBack'
}
