import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { describe, expect, it } from 'vitest'
import { allFaults } from './chaos/faults/all-faults.ts'
import { formatReport, isClean } from './chaos/report.ts'
import { runChaos } from './chaos/run-chaos.ts'

const seed = 20_261
const names = [
  'worker: SIGKILL',
  'ingress: SIGKILL',
  'Redis: SIGKILL and restart',
  'Redis: connections reset mid-command',
  'Postgres: unreachable',
  'CRM: answers 500',
  'Redis outage: ingress SIGKILL',
]

describe('an installation under load', () => {
  it(`loses and doubles no event under any fault (seed ${seed})`, { timeout: 300_000 }, async () => {
    await using database = await createTestDatabase()
    const result = await runChaos({
      seed,
      minutes: 0,
      rate: 100,
      mailboxes: 500,
      workers: 2,
      faults: allFaults.filter(({ name }) => names.includes(name)),
      lengths: { outage: { least: 2_000, most: 4_000 } },
      postgres: { url: database.url },
      log: (line) => process.stderr.write(`chaos: ${line}\n`),
    })
    process.stderr.write(`${formatReport(result)}\n`)
    expect(isClean(result)).toBe(true)
  })
})
