import type { BoardClient } from '../board-client.ts'
import { CliError } from '../cli-error.ts'
import type { CrmOwner } from './crm-answers.ts'

/**
 * The owner whose account to use: the one that was named, or the only one.
 *
 * @throws CliError when it has to be named
 */
export async function findOwner(board: BoardClient, named: string | undefined): Promise<string> {
  if (named !== undefined) return named
  const { items } = await board.get<{ items: readonly CrmOwner[] }>('/crm')
  const owners = items.filter(({ provider }) => provider !== null).map(({ owner }) => owner)
  const [only, ...others] = owners
  if (only === undefined)
    throw new CliError(
      'No CRM account is configured: set HUBSPOT_ACCESS_TOKEN, PIPEDRIVE_API_TOKEN, ATTIO_API_KEY or CRM_HTTP_URL for the workers and the board, see docs/crm.md',
    )
  if (others.length > 0)
    throw new CliError(`Several owners have a CRM account: choose one with --owner (${owners.join(', ')})`)
  return only
}
