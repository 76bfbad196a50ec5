import { Counter, type Registry } from 'prom-client'

export interface WorkerMetrics {
  readonly deliveries: Counter<'handler' | 'status'>
}

/** The worker's own metrics, registered in `registry`. */
export function createWorkerMetrics(registry: Registry): WorkerMetrics {
  return {
    deliveries: new Counter({
      name: 'warmhook_deliveries_total',
      help: 'Attempts at events by handler and how they ended',
      labelNames: ['handler', 'status'],
      registers: [registry],
    }),
  }
}
