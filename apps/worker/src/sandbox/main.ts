import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { createHandlers } from '@warmhook/handlers/registry'
import { connectProducer } from '@warmhook/queue/connections'
import { isInfrastructureError } from '@warmhook/queue/is-infrastructure-error'
import { retry } from '@warmhook/queue/outcome'
import { readCompressedEnvelope } from '@warmhook/schema/read-envelope'
import { openPostgres } from '@warmhook/store/open-database'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import { createProcessLogger, reportFatal } from '@warmhook/telemetry/create-process-logger'
import { sql } from 'kysely'
import type { z } from 'zod'
import { parseWorkerEnv } from '../env.ts'
import { unavailableExitCode } from './exit-codes.ts'
import { SandboxRequest, type SandboxMessage } from './sandbox-messages.ts'

/*
 * A process for one suspect: work that may have killed workers runs here, and the parent observes the result.
 */
const log = createProcessLogger('sandbox')
const parent = process.ppid

process.once('message', (message) => {
  void answer(SandboxRequest.parse(message)).then(async (reply) => {
    await say(reply)
    process.exit()
  })
})
process.once('disconnect', () => process.exit())
process.on('uncaughtException', (error) => {
  reportFatal(log)(error)
  process.exit(isInfrastructureError(error) ? unavailableExitCode : 1)
})

type Request = z.output<typeof SandboxRequest>

async function answer(request: Request): Promise<SandboxMessage> {
  if (request.kind === 'envelope') {
    await begin(request)
    await readCompressedEnvelope(request.envelope, request.maxBodyBytes)
    return { kind: 'outcome', outcome: { status: 'done' } }
  }
  try {
    return await handle(request)
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    const isOurs = !hasBegun || isInfrastructureError(error)
    return isOurs ? { kind: 'unavailable', reason } : { kind: 'outcome', outcome: retry(reason) }
  }
}

async function handle(request: Extract<Request, { kind: 'event' }>): Promise<SandboxMessage> {
  const settings = parseWorkerEnv(process.env)
  log.level = settings.logLevel
  const onError = createErrorReporter(log)('database connection')
  const db = openPostgres({ use: 'lookups', url: settings.databaseUrl, poolSize: 2, onError })
  await sql`SELECT 1`.execute(db)
  const redis = connectProducer({ url: settings.redisUrl, onError: createErrorReporter(log)('redis (sandbox)') })
  const deps = { db, log, redis, prefix: settings.prefix, now: Date.now }
  const handler = createHandlers(process.env, deps).find(({ name }) => name === request.handler)
  if (handler === undefined) return { kind: 'unavailable', reason: `${request.handler} is not configured here` }
  await begin(request)
  const outcomes = await handler.handle([request.event], AbortSignal.timeout(request.timeoutMs))
  return { kind: 'outcome', outcome: outcomes.get(request.event.id) ?? retry('the handler returned no outcome') }
}

let hasBegun = false

/** From here on, a crash is attributed to the event. */
async function begin({ cpuLimitMs }: Request): Promise<void> {
  const watch = new Worker(join(import.meta.dirname, 'watch-sandbox.ts'), { workerData: { parent, cpuLimitMs } })
  await once(watch, 'online')
  await say({ kind: 'begun' })
  hasBegun = true
}

function say(message: SandboxMessage): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, () => resolve())
  })
}
