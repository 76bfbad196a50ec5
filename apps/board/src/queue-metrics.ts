import type { Queue } from 'bullmq'
import { Gauge, type Registry } from 'prom-client'

/** Depths of the queues, read when they are asked for. */
export function registerQueueMetrics(registry: Registry, queues: readonly Queue[]): void {
  const depth = new Gauge({
    name: 'warmhook_queue_jobs',
    help: 'Jobs (batches) in a queue by state',
    labelNames: ['queue', 'state'],
    registers: [registry],
    async collect() {
      await Promise.all(
        queues.map(async (queue) => {
          for (const [state, count] of Object.entries(await queue.getJobCounts()))
            depth.set({ queue: queue.name, state }, count)
        }),
      )
    },
  })
}
