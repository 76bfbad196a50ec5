import { z } from '@hono/zod-openapi'
import { CrmProviderName } from '@warmhook/config/crm-fields'
import {
  EventType,
  MailboxEvent,
  MailboxStatus,
  WebhookType,
  profileFields,
  type MailboxProfile,
  type ProfileField,
} from '@warmhook/schema/mailbox-event'
import { eventStatuses } from '@warmhook/store/events/event-status'
import { onlyThese, SearchText, Time } from './inputs.ts'

export const time = z.iso.datetime()
export const count = z.int().nonnegative()
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item).readonly(), nextCursor: z.string().nullable() })
}

type ShownField<Field> =
  Field extends z.ZodOptional<z.ZodArray<z.ZodString>>
    ? z.ZodReadonly<z.ZodArray<z.ZodString>>
    : z.ZodNullable<z.ZodString>
type ShownProfile = {
  [Name in Exclude<ProfileField, 'meta'>]: ShownField<(typeof MailboxProfile.shape)[Name]>
}

/** The schema of `toShownProfile`. */
function shownProfile(): ShownProfile {
  const shown = profileFields.filter(({ name }) => name !== 'meta')
  return Object.fromEntries(
    shown.map(({ name, isList }) => [name, isList ? z.array(z.string()).readonly() : z.string().nullable()]),
  ) as unknown as ShownProfile
}

export const Mailbox = z
  .object({
    campaignId: count,
    owner: z.string(),
    ...shownProfile(),
    status: MailboxStatus,
    statusSince: time,
    reason: z.string().nullable(),
    lastEventId: z.uuid(),
    lastEventAt: time,
    statusCode: z.string().nullable(),
    confirmedAt: time.nullable(),
  })
  .openapi('Mailbox')

const Opener = z.enum([...WebhookType.options, 'reconcile'])

export const Pause = z
  .object({
    campaignId: count,
    owner: z.string(),
    email: z.string().nullable(),
    reason: z.string().nullable(),
    reasons: z.array(z.string()).readonly(),
    category: z.string(),
    nextStep: z.string(),
    openedAt: time,
    closedAt: time.nullable(),
    openedBy: Opener,
    closedBy: Opener.nullable(),
    presumed: z.boolean(),
    durationMs: z.int(),
  })
  .openapi('Pause')

/** Pauses of several mailboxes with a common cause. */
export const Incident = z
  .object({
    id: z.uuid(),
    owner: z.string(),
    cause: z.object({ domain: z.string(), provider: z.string(), category: z.string() }),
    title: z.string(),
    nextStep: z.string(),
    openedAt: time,
    closedAt: time.nullable(),
    mailboxes: count,
    open: count,
    sample: z.array(z.string()).readonly(),
  })
  .openapi('Incident')

export const EventItem = z
  .object({
    id: z.uuid(),
    owner: z.string(),
    source: z.string(),
    type: EventType,
    campaignId: count,
    email: z.string().nullable(),
    receivedAt: time,
    status: z.enum(eventStatuses),
    warnings: z.array(z.string()).readonly(),
  })
  .openapi('Event')

export const MailboxDetail = Mailbox.extend({
  pauses: z.array(Pause).readonly(),
  events: z.array(EventItem).readonly(),
}).openapi('MailboxDetail')

/** If the body was compressed, `raw` contains the inflated body and `inflated` is true. */
const body = {
  raw: z.string(),
  encoding: z.enum(['utf8', 'base64']),
  contentEncoding: z.string().nullable(),
  inflated: z.boolean(),
}

export const EventDetail = EventItem.extend({
  ...body,
  event: MailboxEvent,
  duplicateOf: z.uuid().nullable(),
  deliveries: z
    .array(
      z.object({
        handler: z.string(),
        status: z.enum(['done', 'failing', 'dead']),
        attempts: count,
        note: z.string().nullable(),
        startedAt: time,
        finishedAt: time,
      }),
    )
    .readonly(),
}).openapi('EventDetail')

export const QuarantineGroups = z
  .object({
    groups: z.array(z.object({ issue: z.string(), count, firstAt: time, lastAt: time, sampleId: z.uuid() })).readonly(),
  })
  .openapi('QuarantineGroups')

export const QuarantineItem = z
  .object({
    id: z.uuid(),
    owner: z.string(),
    source: z.string(),
    receivedAt: time,
    issue: z.string(),
    issues: z.custom<object>(() => true).openapi({ type: 'array', items: { type: 'object' } }),
    ...body,
  })
  .openapi('QuarantineItem')

/** Filter criteria for events, in queries and replays. */
export const eventCriteria = {
  type: EventType.optional(),
  status: z.enum(eventStatuses).optional(),
  owner: SearchText.optional(),
  since: Time.optional(),
  until: Time.optional(),
}

const EventFilter = onlyThese({
  ...eventCriteria,
  eventIds: z.array(z.uuid()).min(1).max(1_000).optional(),
  campaignId: count.optional(),
})

// An empty filter would select everything.
export const ReplayRequest = onlyThese({
  filter: EventFilter.refine((filter) => Object.keys(filter).length > 0, 'must contain at least one criterion'),
  handler: z.string().optional(),
  dryRun: z.boolean().default(false),
}).openapi('ReplayRequest')

export const QuarantineReplayRequest = onlyThese({
  filter: onlyThese({ issue: SearchText.optional(), ids: z.array(z.uuid()).min(1).max(1_000).optional() }),
  dryRun: z.boolean().default(false),
}).openapi('QuarantineReplayRequest')

/** Both count events (or envelopes); a dry run returns what the same request would enqueue. */
export const ReplayResult = z.object({ matched: count, enqueued: count }).openapi('ReplayResult')

export const HandlerStatus = z
  .object({
    name: z.string(),
    depth: count,
    active: count,
    oldestAgeMs: z.int().nullable(),
    oldestClaimableAgeMs: z.int().nullable(),
    retryingAgeMs: z.int().nullable(),
    failing: count,
    dead: count,
    ratePerMinute: count,
    paused: z.boolean(),
    enabled: z.boolean(),
    workers: count,
  })
  .openapi('Handler')

const budget = { limit: count, remaining: count, resetsAt: time }

export const CrmOwner = z
  .object({
    owner: z.string(),
    provider: z.enum(CrmProviderName.options).nullable(),
    mode: z.string().nullable(),
    state: z.enum(['ok', 'limited', 'down', 'unauthorised', 'misconfigured', 'off']),
    since: time.nullable(),
    synced: count,
    failed: count,
    waiting: count,
    budget: z.object(budget).nullable(),
    budgets: z.array(z.object({ window: z.string(), ...budget })).readonly(),
    lastError: z.string().nullable(),
  })
  .openapi('CrmOwner')

export const CrmPlan = z
  .object({
    provider: z.enum(CrmProviderName.options),
    properties: count,
    missing: z
      .array(
        z.object({
          name: z.string(),
          label: z.string(),
          description: z.string(),
          type: z.enum(['text', 'datetime', 'number', 'choice']),
          options: z.array(z.string()).readonly(),
        }),
      )
      .readonly(),
    conflicts: z.array(z.object({ name: z.string(), problem: z.string() })).readonly(),
  })
  .openapi('CrmPlan')

const propertyValue = z.union([z.string(), z.number()]).nullable()

export const CrmComparison = z
  .object({
    checked: count,
    differences: z
      .array(
        z.object({
          email: z.string(),
          campaignId: count,
          lastEventId: z.uuid(),
          isMissing: z.boolean(),
          properties: z
            .array(z.object({ property: z.string(), inCrm: propertyValue, expected: propertyValue }))
            .readonly(),
        }),
      )
      .readonly(),
    /** Where the next page starts; null at the end. */
    next: count.nullable(),
    queued: count,
  })
  .openapi('CrmComparison')

export const UnsyncedContact = z
  .object({
    owner: z.string(),
    campaignId: count,
    email: z.string().nullable(),
    state: z.enum(['waiting', 'failed']),
    reason: z.string().nullable(),
    eventId: z.uuid(),
    receivedAt: time,
  })
  .openapi('UnsyncedContact')

export const Ledger = z
  .object({
    accepted: count,
    processed: count,
    duplicate: count,
    quarantined: count,
    dead: count,
    inFlight: count,
    missing: count,
    balanced: z.boolean(),
  })
  .openapi('Ledger')

export const Stats = z
  .object({
    mailboxes: z.record(MailboxStatus, count),
    openPauses: count,
    openPausesByCategory: z.record(z.string(), count),
    openPausesByReason: z.array(z.object({ reason: z.string().nullable(), count })).readonly(),
    meanTimeToRecoveryMs: z.int().nullable(),
    events: z.object({ lastHour: count, lastDay: count }),
  })
  .openapi('Stats')

export const Problem = z.object({ title: z.string(), status: z.int(), detail: z.string() }).openapi('Problem')
