/** A kind of reason, and what to do about it. The sender's text is kept verbatim as well, because its list is not fixed. */
export interface ReasonKind {
  /** As in "34 mailboxes of example.com: SMTP connection". */
  readonly title: string
  /** One sentence for the person who looks after the mailbox. */
  readonly nextStep: string
  /** Phrases of reasons, in lower case or as patterns; a kind without any applies if no other one does. */
  readonly pattern?: RegExp
}

/** The first match wins, so specific kinds come before general ones. Add a phrase here to classify a new reason. */
const kinds = {
  access_revoked: {
    title: 'access revoked',
    nextStep: 'Sign in again and grant access: an administrator or the mailbox’s owner has revoked it.',
    // Microsoft: 50173 is a revoked grant, 65001 a missing consent.
    pattern: /revoked|consent|unauthorized_client|aadsts(?:50173|65001)\b/i,
  },
  token_expired: {
    title: 'sign-in expired',
    nextStep: 'Reconnect the mailbox: its sign-in has expired.',
    // Microsoft: 700082 is an expired sign-in.
    pattern: /token|refresh|re-?connect|oauth|invalid_grant|aadsts700082\b/i,
  },
  quota_or_limit: {
    title: 'quota or limit',
    nextStep: 'Free space in the mailbox, or lower its daily volume until the provider’s limit is over.',
    pattern: /quota|limit|too many|throttl|exceed|mailbox (is )?full/i,
  },
  provider_block: {
    title: 'blocked by the provider',
    nextStep: 'Ask the provider to lift the block, and send nothing from this mailbox until then.',
    pattern: /block|suspend|spam|blacklist|denied by|policy|abuse/i,
  },
  authentication: {
    title: 'authentication',
    nextStep: 'Check user name and password, or the app password, and enter them again in Mailivery.',
    pattern: /auth|password|credential|log-?in|username|\b535\b|unauthori[sz]ed/i,
  },
  host_unreachable: {
    title: 'server unreachable',
    nextStep: 'Check the names and ports of the mail servers, and whether they are up.',
    pattern: /host|dns|unreachable|enotfound|getaddrinfo|refused|timed? ?-?out|timeout/i,
  },
  smtp_connection: {
    title: 'SMTP connection',
    nextStep: 'Check the SMTP server, port and encryption in the mailbox’s settings.',
    pattern: /smtp/i,
  },
  imap_connection: {
    title: 'IMAP connection',
    nextStep: 'Check that IMAP is enabled, and its server, port and encryption.',
    pattern: /imap/i,
  },
  other: {
    title: 'another reason',
    nextStep: 'Open the campaign in Mailivery and test its connection.',
  },
} as const satisfies Readonly<Record<string, ReasonKind>>

/** The categories of reasons. */
export type ReasonCategory = keyof typeof kinds

const entries = Object.entries(kinds) as readonly (readonly [ReasonCategory, ReasonKind])[]

/** Longer reasons are classified by their beginning. */
const maxLength = 8_000

/** The category of a reason; `other` if no rule matches. */
export function classifyReason(reason: string): ReasonCategory {
  const text = reason.slice(0, maxLength)
  return entries.find(([, { pattern }]) => pattern?.test(text) === true)?.[0] ?? 'other'
}

/** What to call a category, and what to do. A category of another version counts as `other`. */
export function reasonKind(category: string): ReasonKind {
  return entries.find(([name]) => name === category)?.[1] ?? kinds.other
}
