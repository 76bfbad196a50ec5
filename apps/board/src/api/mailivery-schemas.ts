import { z } from '@hono/zod-openapi'
import { reconciliationStates } from '@warmhook/store/reconciliations/reconciliation-table'
import { findings, type Finding } from '@warmhook/store/reconciliations/runs'
import { warmupDecisions } from '@warmhook/store/warmup-starts/warmup-start-table'
import { count, time } from './schemas.ts'

/** A reading of all campaigns of an owner. */
export const Reconciliation = z
  .object({
    id: z.uuid(),
    owner: z.string(),
    dryRun: z.boolean(),
    state: z.enum(reconciliationStates),
    startedAt: time,
    finishedAt: time.nullable(),
    checked: count,
    rechecked: z.boolean(),
    ...(Object.fromEntries(findings.map((finding) => [finding, count])) as Record<Finding, typeof count>),
    error: z.string().nullable(),
  })
  .openapi('Reconciliation')

/** An owner's access to Mailivery's API. */
export const MailiveryAccess = z
  .object({
    owner: z.string(),
    /** Rechecks of paused mailboxes, which all workers share. */
    recheck: z.object({ limit: count, remaining: z.number(), resetsAt: time }),
  })
  .openapi('MailiveryAccess')

export const WarmupDecision = z.enum(warmupDecisions)

/** What was decided about a pending campaign. */
export const WarmupStart = z
  .object({
    owner: z.string(),
    campaignId: count,
    email: z.string().nullable(),
    eventId: z.uuid(),
    decision: WarmupDecision,
    detail: z.string(),
    decidedAt: time,
  })
  .openapi('WarmupStart')
