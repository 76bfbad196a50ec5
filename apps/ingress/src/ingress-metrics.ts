import { Counter, Histogram, type Registry } from 'prom-client'

export interface IngressMetrics {
  readonly answers: Counter<'status'>
  readonly batchSize: Histogram
}

/** The ingress's own metrics, registered in `registry`. */
export function createIngressMetrics(registry: Registry): IngressMetrics {
  return {
    answers: new Counter({
      name: 'warmhook_ingress_answers_total',
      help: 'Webhook requests by the status they were answered with',
      labelNames: ['status'],
      registers: [registry],
    }),
    batchSize: new Histogram({
      name: 'warmhook_ingress_batch_envelopes',
      help: 'Envelopes per intake job',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registers: [registry],
    }),
  }
}
