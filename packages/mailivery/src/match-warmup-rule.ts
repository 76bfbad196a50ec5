import type { WarmupRule } from '@warmhook/config/mailivery-fields'
import type { Campaign } from './campaign.ts'

/** What of a rule a campaign matches, ignoring case, such as `domain b.example`; undefined if nothing. */
export function matchWarmupRule({ tags, domains, addresses }: WarmupRule, campaign: Campaign): string | undefined {
  const address = campaign.email?.trim().toLowerCase() ?? ''
  const domain = address.slice(address.lastIndexOf('@') + 1)
  const own = new Set(campaign.tags?.map(normalise))
  const tag = tags.find((name) => own.has(normalise(name)))
  if (tag !== undefined) return `tag ${tag}`
  if (address.includes('@') && domains.some((name) => normalise(name).replace(/^@/, '') === domain))
    return `domain ${domain}`
  return addresses.some((name) => normalise(name) === address) ? 'its address' : undefined
}

function normalise(text: string): string {
  return text.trim().toLowerCase()
}
