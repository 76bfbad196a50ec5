import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { CompiledQuery, PGliteDialect, type DatabaseConnection, type Driver } from 'kysely'
import { toErrorFields, type ThreadAnswer, type ThreadCommand, type ThreadRequest } from './thread-messages.ts'

/*
 * The thread of the embedded Postgres. A running statement blocks only this thread.
 */

const directory: unknown = workerData
const driver: Driver = new PGliteDialect({
  pglite: typeof directory === 'string' ? new PGlite(directory) : new PGlite(),
}).createDriver()
const opened = driver.init().then(() => driver.acquireConnection())
// Each request reports the failure to its caller; the first request may arrive after it.
opened.catch(() => undefined)

parentPort?.on('message', ({ id, command }: ThreadRequest) => {
  void run(command)
    .then((result) => ({ id, result }))
    .catch((error: unknown) => ({ id, error: toErrorFields(error) }))
    .then((answer: ThreadAnswer) => parentPort?.postMessage(answer))
})

async function run(
  command: ThreadCommand,
): Promise<Awaited<ReturnType<DatabaseConnection['executeQuery']>> | undefined> {
  const connection = await opened
  switch (command.kind) {
    case 'query':
      return connection.executeQuery(CompiledQuery.raw(command.sql, [...command.parameters]))
    case 'begin':
      await driver.beginTransaction(connection, {})
      return undefined
    case 'commit':
      await driver.commitTransaction(connection)
      return undefined
    case 'rollback':
      await driver.rollbackTransaction(connection)
      return undefined
    case 'close':
      await driver.destroy()
      return undefined
  }
}
