import type { MailboxProfile } from '../../mailbox-event.ts'
import type { EventContent } from '../source.ts'
import type { MailiveryPayload } from './wire.ts'

/** A documented payload in the neutral shape. Null and absent both mean: this event does not say. */
export function normalisePayload(payload: MailiveryPayload): EventContent {
  const campaignId = payload.account.campaign_id ?? payload.account.id
  if (campaignId == null) throw new TypeError('a validated account has an id')
  const reason = payload.type === 'campaign.connection.problematic' ? payload.reason : undefined
  return {
    type: payload.type,
    campaignId,
    ...(reason == null ? {} : { reason: storable(reason) }),
    profile: toProfile(payload.account),
  }
}

function toProfile(account: MailiveryPayload['account']): MailboxProfile {
  const lastName = account.last_name ?? account.lalst_name
  const provider = account.provider_type ?? account.type
  return {
    ...(account.email == null ? {} : { email: storable(account.email) }),
    ...(account.first_name == null ? {} : { firstName: storable(account.first_name) }),
    ...(lastName == null ? {} : { lastName: storable(lastName) }),
    ...(provider == null ? {} : { provider: storable(provider) }),
    ...(account.tags == null ? {} : { tags: account.tags.map(storable) }),
    ...(account.meta == null ? {} : { meta: storable(account.meta) }),
  }
}

/** Postgres text holds neither NUL nor a lone surrogate; the raw body keeps both. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed()
}
