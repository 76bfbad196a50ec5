import { clockFaults } from './clock-faults.ts'
import { crmFaults } from './crm-faults.ts'
import type { Fault } from './fault.ts'
import { postgresFaults, postgresServerFaults } from './postgres-faults.ts'
import { processFaults } from './process-faults.ts'
import { redisFaults } from './redis-faults.ts'
import { silenceFaults } from './silence-faults.ts'
import { spoolFaults } from './spool-faults.ts'

/** All faults; some need a Postgres server that the run may crash. */
export const allFaults: readonly Fault[] = [
  ...processFaults,
  ...redisFaults,
  ...silenceFaults,
  ...postgresFaults,
  ...postgresServerFaults,
  ...crmFaults,
  ...spoolFaults,
  ...clockFaults,
]
