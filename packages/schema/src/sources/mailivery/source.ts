import type { Source } from '../source.ts'
import { readPayload } from './read-payload.ts'

/** Mailivery documents neither id nor signature; the header is the Standard Webhooks one, in case a relay adds it. */
export const mailivery: Source = {
  name: 'mailivery',
  deliveryIdHeader: 'webhook-id',
  readPayload,
}
