import { pendingMigrations } from '@warmhook/store/migrate'
import { readServerState } from '@warmhook/store/read-server-state'
import { ok, problem, warning, type Check, type Finding } from './finding.ts'

// Each event in a transaction may hold a lock, and several workers record hundreds of events concurrently.
const enoughLocks = 6_000

/** Postgres: version, schema and capacity for locks. */
export const checkPostgres: Check = {
  name: 'postgres',
  async run({ db }) {
    const state = await readServerState(db)
    const findings: Finding[] = [
      state.majorVersion >= 15
        ? ok(`Postgres ${state.majorVersion}, ${Math.round(state.databaseBytes / 2 ** 20)} MiB of data`)
        : problem(`Postgres ${state.majorVersion} is too old`, 'Run Postgres 15 or newer.'),
    ]
    if (state.encoding !== 'UTF8')
      findings.push(
        problem(
          `the database encoding is ${state.encoding}: some webhooks cannot be stored`,
          "Create a database with ENCODING 'UTF8' TEMPLATE template0, and move the data to it.",
        ),
      )
    const pending = await pendingMigrations(db)
    findings.push(
      pending.length === 0
        ? ok('the schema is up to date')
        : problem(`pending migrations: ${pending.join(', ')}`, 'Run "npx warmhook migrate", or start a worker.'),
    )
    if (state.locks < enoughLocks)
      findings.push(
        warning(
          `Postgres has room for ${state.locks} locks, which may not be enough for several workers`,
          'Increase max_locks_per_transaction to 256.',
        ),
      )
    return findings
  },
}
