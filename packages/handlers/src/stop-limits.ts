import { workersStopMs } from '@warmhook/queue/time-limits'
import { handlerQueues } from './registry.ts'

/**
 * How long a stop may take, from the inside out. It all follows from the handlers' time limits; docker-compose.yml has to grant more
 * than the whole process, which a test checks.
 *
 * The intake's transactions are not waited for any longer: what they record can be recorded again.
 */
const workersMs = workersStopMs(handlerQueues.map(({ policy }) => policy))
/** With the connections and the server beside them. */
const workerMs = workersMs + 5_000
/** With the database. */
const processMs = workerMs + 3_000

export const stopLimits = { workersMs, workerMs, processMs } as const
