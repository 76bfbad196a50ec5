import { workersStopMs } from '@warmhook/queue/time-limits'
import { handlerQueues } from './registry.ts'

/**
 * How long a stop may take, from the inside out. All limits follow from the handlers' time limits; the grace period in
 * docker-compose.yml must be longer than that of the whole process, which a test checks.
 *
 * The intake's transactions do not extend the wait: whatever they record can be recorded again.
 */
const workersMs = workersStopMs(handlerQueues.map(({ policy }) => policy))
/** Including the connections and the HTTP server. */
const workerMs = workersMs + 5_000
/** Including the database. */
const processMs = workerMs + 3_000

export const stopLimits = { workersMs, workerMs, processMs } as const
