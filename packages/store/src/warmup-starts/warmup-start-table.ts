/** `unexpected`: the rule does not match, so that a person has to decide. */
export const warmupDecisions = ['started', 'unexpected', 'rejected'] as const
export type WarmupDecision = (typeof warmupDecisions)[number]

/** What was decided about a pending campaign. */
export interface WarmupStartTable {
  owner: string
  campaign_id: string
  event_id: string
  decision: WarmupDecision
  detail: string
  decided_at: Date
}
