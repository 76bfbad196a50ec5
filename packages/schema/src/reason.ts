/** Categories of reasons. The sender's text is kept verbatim as well, because its list is not fixed. */
export const reasonCategories = [
  'smtp_connection',
  'imap_connection',
  'authentication',
  'token_expired',
  'quota_or_limit',
  'provider_block',
  'host_unreachable',
  'other',
] as const
export type ReasonCategory = (typeof reasonCategories)[number]

interface ReasonRule {
  readonly category: ReasonCategory
  readonly pattern: RegExp
}

/** The first match wins, so specific rules come before general ones. Add a line here to classify a new reason. */
const reasonRules: readonly ReasonRule[] = [
  { category: 'token_expired', pattern: /token|refresh|re-?connect|consent|invalid_grant|oauth/i },
  { category: 'quota_or_limit', pattern: /quota|limit|too many|throttl|exceed|mailbox (is )?full/i },
  { category: 'provider_block', pattern: /block|suspend|spam|blacklist|denied by|policy|abuse/i },
  { category: 'authentication', pattern: /auth|password|credential|log-?in|username|\b535\b|unauthori[sz]ed/i },
  {
    category: 'host_unreachable',
    pattern: /host|dns|unreachable|enotfound|getaddrinfo|refused|timed? ?-?out|timeout/i,
  },
  { category: 'smtp_connection', pattern: /smtp/i },
  { category: 'imap_connection', pattern: /imap/i },
]

/** The category of a reason; `other` if no rule matches. */
export function classifyReason(reason: string): ReasonCategory {
  return reasonRules.find((rule) => rule.pattern.test(reason))?.category ?? 'other'
}
