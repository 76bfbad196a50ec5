import { createHandlers } from '@warmhook/handlers/registry'
import { readCompressedEnvelope } from '@warmhook/schema/read-envelope'
import { openPostgres } from '@warmhook/store/open-database'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import { createProcessLogger, reportFatal } from '@warmhook/telemetry/create-process-logger'
import { parseWorkerEnv } from '../env.ts'
import { ApartRequest, type ApartReply } from './apart-messages.ts'

/*
 * A process for one suspect: what may have killed workers is done here, and the parent sees what becomes of it.
 */
const log = createProcessLogger('sandbox')
for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(name, (error) => {
    reportFatal(log)(error)
    process.exit(1)
  })
}
process.once('message', (message) => {
  void answer(ApartRequest.parse(message)).then((reply) => process.send?.(reply, () => process.disconnect()))
})

async function answer(request: ApartRequest): Promise<ApartReply> {
  if (request.kind === 'envelope') {
    await readCompressedEnvelope(request.envelope, request.maxBodyBytes)
    return { outcome: { status: 'done' } }
  }
  const settings = parseWorkerEnv(process.env)
  log.level = settings.logLevel
  const onError = createErrorReporter(log)('database connection')
  const db = openPostgres({ use: 'lookups', url: settings.databaseUrl, poolSize: 2, onError })
  try {
    const handler = createHandlers(process.env, { db, log, now: Date.now }).find(({ name }) => name === request.handler)
    const outcomes = await handler?.handle([request.event], AbortSignal.timeout(request.timeoutMs))
    const outcome = outcomes?.get(request.event.id)
    return { outcome: outcome ?? { status: 'retry', reason: 'the handler gave no outcome' } }
  } catch (error) {
    return { outcome: { status: 'retry', reason: error instanceof Error ? error.message : String(error) } }
  } finally {
    await db.destroy()
  }
}
