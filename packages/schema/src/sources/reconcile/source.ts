import type { Source } from '../source.ts'
import { readReading } from './reading.ts'

/** Readings of Mailivery's API that differ from the record. */
export const reconcile: Source = {
  name: 'reconcile',
  deliveryIdHeader: 'webhook-id',
  readPayload: readReading,
}
