import { Counter, type Registry } from 'prom-client'

export interface WorkerMetrics {
  readonly deliveries: Counter<'handler' | 'status'>
  readonly sweeper: Counter<'action'>
  readonly removed: Counter<'table'>
}

/** The worker's own metrics, registered in `registry`. */
export function createWorkerMetrics(registry: Registry): WorkerMetrics {
  return {
    deliveries: new Counter({
      name: 'warmhook_deliveries_total',
      help: 'Delivery attempts by handler and status',
      labelNames: ['handler', 'status'],
      registers: [registry],
    }),
    sweeper: new Counter({
      name: 'warmhook_sweeper_jobs_total',
      help: 'Handler jobs that the sweeper added to Redis: fed (were waiting for room) or recreated (Redis had lost them)',
      labelNames: ['action'],
      registers: [registry],
    }),
    removed: new Counter({
      name: 'warmhook_retention_removed_total',
      help: 'Rows removed because they were older than RETENTION_DAYS',
      labelNames: ['table'],
      registers: [registry],
    }),
  }
}
