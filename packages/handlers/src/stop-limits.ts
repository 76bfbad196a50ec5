import { workersStopMs } from '@warmhook/queue/time-limits'
import { handlerQueues } from './registry.ts'

/**
 * Time limits for a shutdown, from the inside out, derived from the handlers' timeouts. docker-compose.yml must allow
 * more than `processMs`, which a test checks.
 *
 * Intake transactions get no additional time: recording them again is safe.
 */
const workersMs = workersStopMs(handlerQueues.map(({ policy }) => policy))
/** Includes closing the connections and the HTTP server. */
const workerMs = workersMs + 5_000
/** Includes closing the database. */
const processMs = workerMs + 3_000

export const stopLimits = { workersMs, workerMs, processMs } as const
