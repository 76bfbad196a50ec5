import type { Database } from '../database.ts'
import { isDataFault } from '../is-data-fault.ts'
import { insertEvents, type RoutedEvent } from './insert-events.ts'

/** Tries to add an event, and takes it back. Returns why the database refuses it, or undefined when it does not. */
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
