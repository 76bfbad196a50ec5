import { crmOf, ownersOf, type OwnerCrm } from '@warmhook/crm/accounts/crm-settings'
import { openAccounts } from '@warmhook/crm/accounts/open-accounts'
import type { CrmProvider } from '@warmhook/crm/crm-provider'
import { HTTPException } from 'hono/http-exception'
import type { ReadDeps } from '../board-deps.ts'

/** An owner's CRM as the board calls it. */
export interface OpenCrm {
  readonly crm: OwnerCrm
  readonly provider: CrmProvider
}

/**
 * Returns the CRM of an owner.
 *
 * @throws HTTPException (404) when the owner is unknown or has no account
 */
export function createCrmFinder(deps: ReadDeps): (owner: string) => OpenCrm {
  const { crm: settings } = deps
  const accountOf = openAccounts(deps)
  return (owner) => {
    const crm = ownersOf(settings).includes(owner) ? crmOf(settings, owner) : undefined
    if (crm === undefined)
      throw new HTTPException(404, {
        message: `The board knows no CRM account of ${owner}: give it the same CRM settings as the workers`,
      })
    return { crm, provider: accountOf(crm.account).provider }
  }
}
