import { Command } from 'commander'
import type { CliContext } from './cli-context.ts'
import { runDoctor } from './run-doctor.ts'
import { runMigrate } from './run-migrate.ts'
import { runSend } from './run-send.ts'

/** The `warmhook` command. A command that fails throws a `CliError` or a typed error of what it used. */
export function createProgram(context: CliContext): Command {
  const program = new Command('warmhook').description('Operates a Warmhook installation.').version('0.1.0')
  program
    .command('send')
    .description("post webhooks: Mailivery's five documented payloads, or a file's bytes as they are")
    .argument('[file]', 'a file with one payload; - for standard input')
    .option('--url <url>', 'the ingress, for example http://127.0.0.1:3000 (default: HOST and INGRESS_PORT)')
    .option(
      '--key <key>',
      "the endpoint's key (default: WARMHOOK_ENDPOINT_KEY, else from ENDPOINTS_FILE, else the one kept in DATA_DIR)",
    )
    .option('--owner <owner>', 'which owner of ENDPOINTS_FILE sends (default: the first)')
    .option('--json', 'print one JSON object per answer')
    .action((file: string | undefined, options: { url?: string; key?: string; owner?: string; json?: true }) =>
      runSend(context, file, options),
    )
  program
    .command('migrate')
    .description('bring the schema of DATABASE_URL up to date')
    .option('--json', 'print the names of the migrations that ran as JSON')
    .action((options: { json?: true }) => runMigrate(context, options))
  program
    .command('doctor')
    .description('examine REDIS_URL, DATABASE_URL, queues, spool and ledger, and say what to do; exits 1 on a problem')
    .option('--json', 'print the findings as JSON')
    .action(async (options: { json?: true }) => {
      if (!(await runDoctor(context, options))) context.fail()
    })
  return program
}
