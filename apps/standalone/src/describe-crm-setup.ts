import type { CrmSettings } from '@warmhook/crm/accounts/crm-settings'
import { openAccounts } from '@warmhook/crm/accounts/open-accounts'
import { propertiesOf } from '@warmhook/crm/mapping/mapping'
import { crmProviders } from '@warmhook/crm/providers'

const limitMs = 15_000

/**
 * Says what to type if a CRM account lacks the properties that are to be written. Undefined if it lacks none, or can't
 * be asked now: the first write will tell why.
 */
export async function describeCrmSetup(
  { fallback, byOwner }: CrmSettings,
  deps: Parameters<typeof openAccounts>[0],
): Promise<string | undefined> {
  const accountOf = openAccounts(deps)
  const candidates = [...(fallback === undefined ? [] : [['', fallback] as const]), ...byOwner]
  for (const [owner, { account, mapping }] of candidates) {
    try {
      const signal = AbortSignal.timeout(limitMs)
      const plan = await accountOf(account).provider.planProperties(propertiesOf(mapping), signal)
      if (plan.missing.length === 0 && plan.conflicts.length === 0) continue
      const command = `npx warmhook crm ${plan.missing.length > 0 ? 'apply' : 'plan'}${owner === '' ? '' : ` --owner ${owner}`}`
      return `${crmProviders[account.provider].label} lacks contact properties. Run: ${command}`
    } catch {
      // A refusal or an outage is reported, with its reason, by the handler that writes contacts.
      continue
    }
  }
  return undefined
}
