import { createServer } from 'node:http'
import { createHandlers, subscriptionsOf } from '@warmhook/handlers/registry'
import { openQueue } from '@warmhook/queue/batch-producer'
import { handlerQueue, intakeQueue } from '@warmhook/queue/catalog'
import { connectConsumer } from '@warmhook/queue/connections'
import { EnvelopeBatch } from '@warmhook/schema/batch'
import { decodeBody } from '@warmhook/schema/envelope'
import { newEventJob, readEventJob, writeEventJob } from '@warmhook/schema/event-job'
import { readEnvelope } from '@warmhook/schema/read-envelope'
import { finishedEventIds } from '@warmhook/store/deliveries/finished-event-ids'
import { recordDeliveries } from '@warmhook/store/deliveries/record-deliveries'
import { recordBatches } from '@warmhook/store/events/record-batches'
import type { OutboxJob, OwedEvent } from '@warmhook/store/outbox/owed-event'
import { openPostgres } from '@warmhook/store/open-database'
import { createLogger } from '@warmhook/telemetry/logger'
import { Worker, type Job } from 'bullmq'
import { v7 as uuidv7 } from 'uuid'

/*
 * The baseline for the worker: one job per event, then one job per event and handler. Schema, deduplication, handlers,
 * tables and queries are the same as Warmhook's, so batching is the only difference.
 */

// BullMQ's documentation recommends high concurrency for I/O-bound work. With three workers, the pool has a connection
// for every two jobs.
const concurrency = 50
const env = process.env
const prefix = env['QUEUE_PREFIX'] ?? ''
const onError = (error: Error): void => console.error(error.message)
const db = openPostgres({ url: env['DATABASE_URL'] ?? '', poolSize: 75, use: 'lookups', onError })
const connection = connectConsumer({ url: env['REDIS_URL'] ?? '', onError })
const log = createLogger('baseline worker', 'warn')
const handlers = createHandlers(env, { db, log, redis: connection, prefix, now: Date.now })
const subscriptions = subscriptionsOf(handlers)
const queues = new Map(
  handlers.map((handler) => [handler.name, openQueue(handlerQueue(handler), connection, { prefix, onError })]),
)

function planSingly(events: readonly OwedEvent[]): readonly OutboxJob[] {
  return events.flatMap((event) =>
    event.handlers.map((handler) => ({ id: uuidv7(), handler, events: [event], replayId: undefined, isQueued: true })),
  )
}

async function route(job: Job): Promise<void> {
  const [envelope] = EnvelopeBatch.parse(job.data).envelopes
  const verdict = envelope && readEnvelope(envelope)
  if (envelope === undefined || verdict?.ok !== true) throw new TypeError('the benchmark sends only valid webhooks')
  const { event, payloadHash } = verdict
  const names = subscriptions.get(event.type) ?? []
  const routed = { event, raw: decodeBody(envelope), payloadHash, deliveryId: envelope.deliveryId, handlers: names }
  const batch = { id: job.id ?? '', isReplay: false, events: [routed], refused: [] }
  const { jobs } = await recordBatches(db, [batch], { dedupeWindowMs: 3_600_000, plan: planSingly })
  for (const { id, handler, events } of jobs)
    await queues.get(handler)?.add(event.type, writeEventJob(newEventJob(events)), { jobId: id })
}

const options = { connection, prefix, concurrency, removeOnComplete: intakeQueue.retention.completed }
const workers = [
  new Worker(intakeQueue.name, route, options),
  ...handlers.map(
    ({ name, handle }) =>
      new Worker(
        name,
        async (job) => {
          const startedAt = Date.now()
          const reading = readEventJob(job.data)
          if (reading.status !== 'read') throw new TypeError('the benchmark writes only valid jobs')
          const { events } = reading.job
          const ids = events.map((event) => event.id)
          if ((await finishedEventIds(db, name, ids)).size > 0) return
          const outcomes = await handle(events, AbortSignal.timeout(20_000))
          const records = ids.map((eventId) => ({ eventId, status: outcomes.get(eventId)?.status, note: undefined }))
          if (records.some(({ status }) => status !== 'done')) throw new Error('the event has to be retried')
          const done = ids.map((eventId) => ({ eventId, status: 'done' as const, note: undefined }))
          await recordDeliveries(db, {
            handler: name,
            startedAt,
            finishedAt: Date.now(),
            replayId: undefined,
            records: done,
            settled: [job.id ?? ''],
          })
        },
        {
          ...options,
          settings: { backoffStrategy: () => 250 },
        },
      ),
  ),
]
for (const worker of workers) worker.on('error', onError)

const server = createServer((_request, response) => void response.end()).listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`{"url":"http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}"}\n`)
})
process.once('SIGTERM', () => {
  server.close()
  void Promise.all(workers.map((worker) => worker.close()))
    .then(() => db.destroy())
    .then(() => connection.disconnect())
})
