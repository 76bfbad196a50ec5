import type { Command } from 'commander'
import type { CliContext } from '../cli-context.ts'
import { runCrmApply } from './run-crm-apply.ts'
import { runCrmPlan, type CrmOptions } from './run-crm-plan.ts'
import { runCrmSync } from './run-crm-sync.ts'

const ownerOption = ['--owner <owner>', 'owner in ENDPOINTS_FILE (default: the only one with a CRM account)'] as const

/** Adds `crm plan`, `crm apply` and `crm sync`. They call the board, which needs the CRM settings of the workers. */
export function addCrmCommands(program: Command, context: CliContext): void {
  const crm = program.command('crm').description('set up a CRM account and compare its contacts')
  crm
    .command('plan')
    .description('show which contact properties the CRM lacks; exits with 1 if it lacks any')
    .option(...ownerOption)
    .option('--json', 'print the plan as JSON')
    .action(async (options: CrmOptions) => {
      if (!(await runCrmPlan(context, options))) context.fail()
    })
  crm
    .command('apply')
    .description('create the contact properties that the CRM lacks')
    .option(...ownerOption)
    .option('--yes', 'do not ask')
    .option('--json', 'print the result as JSON')
    .action(async (options: CrmOptions & { readonly yes?: true }) => {
      if (!(await runCrmApply(context, options))) context.fail()
    })
  crm
    .command('sync')
    .description('compare all contacts with their mailboxes and repair those that differ')
    .option(...ownerOption)
    .option('--dry-run', 'only print the differences; exits with 1 if there are any')
    .option('--json', 'print each difference, then the totals, as JSON objects')
    .action(async (options: CrmOptions & { readonly dryRun?: true }) => {
      if (!(await runCrmSync(context, options))) context.fail()
    })
}
