import type { BatchPolicy } from '@warmhook/queue/catalog'

/** For handlers that call Mailivery's API, one mailbox at a time and within the limits of its key. */
export const mailiveryPolicy: BatchPolicy = {
  batchMax: 100,
  maxCalls: 1,
  overlap: 'any batch',
  attempts: 30,
  firstDelayMs: 1_000,
  maxDelayMs: 900_000,
  timeoutMs: 20_000,
}
