import type { Source } from '../source.ts'
import { readPayload } from './read-payload.ts'

/** Mailivery documents neither an id nor a signature. The header is from Standard Webhooks, in case a relay adds it. */
export const mailivery: Source = {
  name: 'mailivery',
  deliveryIdHeader: 'webhook-id',
  readPayload,
}
