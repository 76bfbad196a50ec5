import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export interface IngressMetrics {
  readonly answers: Counter<'status'>
  readonly batchSize: Histogram
  readonly spooled: Counter
  readonly drained: Counter
  /** Registers a gauge for the number of jobs waiting in the spool. */
  readonly observeSpool: (size: () => number) => void
}

/** The ingress's own metrics, registered in `registry`. */
export function createIngressMetrics(registry: Registry): IngressMetrics {
  return {
    answers: new Counter({
      name: 'warmhook_ingress_answers_total',
      help: 'Webhook requests by response status',
      labelNames: ['status'],
      registers: [registry],
    }),
    batchSize: new Histogram({
      name: 'warmhook_ingress_batch_envelopes',
      help: 'Envelopes per intake job',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registers: [registry],
    }),
    spooled: new Counter({
      name: 'warmhook_spool_written_jobs_total',
      help: 'Intake jobs written to the spool because Redis did not accept them',
      registers: [registry],
    }),
    drained: new Counter({
      name: 'warmhook_spool_drained_jobs_total',
      help: 'Intake jobs moved from the spool to Redis',
      registers: [registry],
    }),
    observeSpool: (size) =>
      void new Gauge({
        name: 'warmhook_spool_jobs',
        help: 'Intake jobs waiting in the spool',
        registers: [registry],
        collect() {
          this.set(size())
        },
      }),
  }
}
