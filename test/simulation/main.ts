import { writeFile } from 'node:fs/promises'
import { progress } from '@clack/prompts'
import { exitWhenIdle } from '@warmhook/lifecycle/exit-when-idle'
import { localRedis } from '@warmhook/testing/local-redis'
import { startLocalPostgres } from '@warmhook/testing/local-postgres'
import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import { drawChart } from './draw-chart.ts'
import { runSimulation, type SimulationResult } from './run-simulation.ts'

const program = new Command('simulate')
  .description(
    'Simulates a Mailivery whose webhooks are lost, doubled and reordered, and measures how long mailboxes have a wrong ' +
      'status: with webhooks alone, and with reconciliation.',
  )
  .option('--mailboxes <n>', 'number of mailboxes', toNumber, 2_000)
  .option('--days <n>', 'simulated days', toNumber, 1)
  .option('--seed <n>', 'repeat an earlier run; random by default', toNumber)
  .option('--lost <percent>', 'webhooks that are lost', toNumber, 5)
  .option('--doubled <percent>', 'webhooks that are sent twice', toNumber, 10)
  .option('--reordered <percent>', 'webhooks that are up to an hour late', toNumber, 20)
  .option('--interval-minutes <n>', 'time between two reconciliations', toNumber, 15)
  .option('--chart <file>', 'where to write the chart', 'simulation.svg')
  .option('--json', 'print the results as JSON')
  .action(run)
exitWhenIdle()
await program.parseAsync()

interface Options {
  readonly mailboxes: number
  readonly days: number
  readonly seed?: number
  readonly lost: number
  readonly doubled: number
  readonly reordered: number
  readonly intervalMinutes: number
  readonly chart: string
  readonly json?: true
}

async function run({
  mailboxes,
  days,
  lost,
  doubled,
  reordered,
  intervalMinutes,
  chart,
  json,
  ...rest
}: Options): Promise<void> {
  const seed = rest.seed ?? Date.now() % 2 ** 32
  const [stepMinutes, minutes] = [1, days * 24 * 60]
  await using redis = await localRedis.start()
  if (redis === undefined) throw new Error('Redis is not installed: run npm test once, which installs it')
  await using postgres = await startLocalPostgres({ fsync: 'off' })
  const servers = { redisUrl: redis.url, databaseUrl: postgres.url }
  const bar = process.stderr.isTTY ? progress({ max: 2 * minutes, output: process.stderr }) : undefined
  bar?.start('Simulating')
  const onStep = (): void => bar?.advance(stepMinutes)
  const way = { lost, doubled, reordered }
  const options = { seed, mailboxes, minutes, stepMinutes, way, servers, onStep }
  const alone = await runSimulation({ ...options, everyMinutes: undefined })
  const reconciled = await runSimulation({ ...options, everyMinutes: intervalMinutes })
  bar?.stop('Simulated')
  const series = [
    { name: 'webhooks alone', colour: '#c2410c', values: alone.wrong },
    { name: `reconciled every ${intervalMinutes} minutes`, colour: '#15803d', values: reconciled.wrong },
  ]
  await writeFile(chart, drawChart(`Mailboxes with a wrong status, of ${mailboxes}`, series, stepMinutes))
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ seed, alone, reconciled })}\n`
      : `${format(alone, reconciled, intervalMinutes)}\nseed ${seed}; chart in ${chart}\n`,
  )
}

function format(alone: SimulationResult, reconciled: SimulationResult, intervalMinutes: number): string {
  const table = new Table({ head: ['', 'webhooks alone', 'with reconciliation'], style: { head: [] } })
  const both = (name: string, show: (result: SimulationResult) => string): void =>
    void table.push([name, show(alone), show(reconciled)])
  both('webhooks sent', ({ way }) => count(way.sent))
  both('lost · doubled · late', ({ way }) => [way.lost, way.doubled, way.late].map(count).join(' · '))
  both('recoveries without a webhook', ({ silent }) => count(silent))
  both('mailbox-minutes with a wrong status', ({ wrongMinutes }) => count(wrongMinutes))
  both('… of deleted mailboxes', ({ wrongMinutesOfDeleted }) => count(wrongMinutesOfDeleted))
  both('share of all mailbox-minutes', ({ wrongShare }) => `${(100 * wrongShare).toFixed(3)} %`)
  table.push(['minutes between two readings', '–', count(intervalMinutes)])
  both('wrong minutes per lost webhook or silent recovery', ({ wrongMinutes, way, silent }) =>
    (wrongMinutes / Math.max(1, way.lost + silent)).toFixed(1),
  )
  both('wrong mailboxes at the end', ({ wrongAtEnd }) => count(wrongAtEnd))
  table.push(['wrong without a cause, or after the next readings', '–', count(reconciled.unexplained)])
  both('runs that failed or wait for a person', ({ runsNotDone }) => count(runsNotDone))
  both('repairs · API calls', ({ repairs, calls }) => `${count(repairs)} · ${count(calls)}`)
  return table.toString()
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function toNumber(text: string): number {
  const number = Number(text)
  if (!Number.isFinite(number) || number < 0) throw new InvalidArgumentError('must be a number')
  return number
}
