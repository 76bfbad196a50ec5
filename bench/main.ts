import { cpus, totalmem } from 'node:os'
import { Argument, Command, InvalidArgumentError } from 'commander'
import { benches, fullSizes, quickSizes, type BenchName } from './run-benches.ts'
import { formatReport, type Row } from './support/report.ts'

const names = Object.keys(benches) as BenchName[]

const program = new Command('bench')
  .description('Measures Warmhook with real processes, a real Redis and a real Postgres. See bench/README.md.')
  .addArgument(new Argument('[groups...]', 'what to measure; everything by default').choices(names))
  .option('--rounds <n>', 'rounds of each comparison', toCount)
  .option('--quick', 'a few minutes, coarser figures')
  .option('--json', 'print the rows as JSON')
  .action(run)
await program.parseAsync()

async function run(groups: readonly BenchName[], options: BenchOptions): Promise<void> {
  const sizes = options.quick === true ? quickSizes : fullSizes
  const rounds = options.rounds ?? sizes.rounds
  const rows: Row[] = []
  for (const name of groups.length === 0 ? names : groups) {
    rows.push(...(await benches[name]({ ...sizes, rounds }, (progress) => process.stderr.write(`${progress}\n`))))
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify(rows)}\n`)
  else process.stdout.write(`${describeMachine()}\n${formatReport(rows)}\n`)
}

interface BenchOptions {
  readonly rounds?: number
  readonly quick?: boolean
  readonly json?: boolean
}

function toCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('must be a whole number from 1')
  return count
}

function describeMachine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor'
  return `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
}
