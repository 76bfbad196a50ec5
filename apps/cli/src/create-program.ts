import { Command } from 'commander'
import type { CliContext } from './cli-context.ts'
import { addCrmCommands } from './crm/add-crm-commands.ts'
import { runReconcile, type ReconcileOptions } from './reconcile/run-reconcile.ts'
import { runDoctor } from './run-doctor.ts'
import { runMigrate } from './run-migrate.ts'
import { runSend } from './run-send.ts'

/** The `warmhook` command. Commands that fail throw a `CliError`, or a typed error of a package. */
export function createProgram(context: CliContext): Command {
  const program = new Command('warmhook').description('Operates a Warmhook installation.').version('0.1.0')
  program
    .command('send')
    .description('post webhooks: the five payloads that Mailivery documents, or the contents of a file')
    .argument('[file]', 'file with one payload; - reads standard input')
    .option('--url <url>', 'URL of the ingress, such as http://127.0.0.1:3000 (default: from HOST and INGRESS_PORT)')
    .option(
      '--key <key>',
      'endpoint key (default: from WARMHOOK_ENDPOINT_KEY, ENDPOINTS_FILE or DATA_DIR, in this order)',
    )
    .option('--owner <owner>', 'owner in ENDPOINTS_FILE whose endpoint to use (default: the first)')
    .option('--json', 'print each answer as a JSON object')
    .action((file: string | undefined, options: { url?: string; key?: string; owner?: string; json?: true }) =>
      runSend(context, file, options),
    )
  program
    .command('migrate')
    .description('migrate the schema of DATABASE_URL')
    .option('--json', 'print the names of the applied migrations as JSON')
    .action((options: { json?: true }) => runMigrate(context, options))
  program
    .command('doctor')
    .description(
      'check Redis, Postgres, queues, spool and ledger, and suggest fixes; exits with 1 if there is a problem',
    )
    .option('--json', 'print the findings as JSON')
    .action(async (options: { json?: true }) => {
      if (!(await runDoctor(context, options))) context.fail()
    })
  program
    .command('reconcile')
    .description("read all campaigns from Mailivery's API and correct what webhooks missed")
    .option('--owner <owner>', 'owner in ENDPOINTS_FILE (default: all that have an API key)')
    .option('--dry-run', 'only report what would be corrected; exits with 1 if there is anything')
    .option('--accept-vanished', 'mailboxes missing from two readings are deleted, however many they are')
    .option('--json', 'print each result as a JSON object')
    .action(async (options: ReconcileOptions) => {
      if (!(await runReconcile(context, options))) context.fail()
    })
  addCrmCommands(program, context)
  return program
}
