import { exitWhenIdle } from '@warmhook/lifecycle/exit-when-idle'
import { createDatabase } from '@warmhook/testing/create-database'
import { startLocalPostgres } from '@warmhook/testing/local-postgres'
import { Command, InvalidArgumentError } from 'commander'
import { allFaults } from './faults/all-faults.ts'
import { formatReport, isClean, toRows } from './report.ts'
import { runChaos } from './run-chaos.ts'

const program = new Command('chaos')
  .description('Injects faults into an installation under load, and checks the outcome of every event.')
  .option('--minutes <n>', 'minimum duration; every fault is injected at least once', toNumber, 10)
  .option('--seed <n>', 'repeat the faults of an earlier run; random by default', toNumber)
  .option('--rate <n>', 'events per second', toNumber, 1_000)
  .option('--only <text>', 'only faults whose name contains this text')
  .option('--json', 'print the result as JSON')
  .action(run)
exitWhenIdle()
await program.parseAsync()

interface Options {
  readonly minutes: number
  readonly seed?: number
  readonly rate: number
  readonly only?: string
  readonly json?: boolean
}

async function run({ minutes, rate, only, json, ...options }: Options): Promise<void> {
  const faults = allFaults.filter(({ name }) => name.includes(only ?? ''))
  if (faults.length === 0) throw new Error(`no fault name contains "${only}"`)
  const end = new AbortController()
  endOnSignals(end)
  // Only processes crash here, not machines, so commits need not be flushed to disk.
  await using server = await startLocalPostgres({ fsync: 'off' })
  await using database = await createDatabase(server.url)
  const result = await runChaos({
    seed: options.seed ?? Date.now() % 2 ** 32,
    minutes,
    rate,
    mailboxes: 5_000,
    workers: 2,
    faults,
    lengths: { outage: { least: 5_000, most: 30_000 } },
    postgres: { url: database.url, server },
    log: (line) => process.stderr.write(`${line}\n`),
    signal: end.signal,
  })
  const { seed, verdict, ends } = result
  const isGood = isClean(result)
  const report = { seed, rate, clean: isGood, faults: toRows(result), verdict, ends }
  process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : `${formatReport(result)}\n`)
  if (!isGood) process.exitCode = 1
}

/** The first signal stops the faults, and the verdict follows; a second one exits at once. */
function endOnSignals(end: AbortController): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (end.signal.aborted) process.exit(1)
      end.abort()
    })
  }
}

function toNumber(text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new InvalidArgumentError('must be a number greater than 0')
  return number
}
