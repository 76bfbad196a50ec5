import { z } from 'zod'
import { pick } from './pick.ts'

/** In characters. Longer texts are no names or addresses. */
const maxText = 1_000
const maxTags = 500

/** A campaign, which is a mailbox in warm-up. Fields that Mailivery does not tell, or that can't be read, are absent. */
export interface Campaign {
  readonly id: number
  readonly email?: string | undefined
  readonly firstName?: string | undefined
  readonly lastName?: string | undefined
  readonly provider?: string | undefined
  readonly tags?: readonly string[] | undefined
  /** As Mailivery writes it; a number as text. Null if there is none. */
  readonly statusCode: string | null
  /** As Mailivery writes it, which does not document the time zone. */
  readonly updatedAt?: string | undefined
}

/** A campaign's id: a positive whole number, possibly as text. */
const CampaignId = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\s*\d{1,16}\s*$/)
      .transform(Number),
  ])
  .refine((id) => Number.isSafeInteger(id) && id > 0, 'must be a positive whole number')

// Postgres text cannot contain NUL or a lone surrogate.
const Text = z
  .string()
  .max(maxText)
  .transform((text) => text.replaceAll('\0', '\uFFFD').toWellFormed())

/** A field that can't be read is left out: the list is worth more than the field. */
const OptionalText = Text.optional().catch(undefined)

const Tags = z
  .array(z.union([Text, z.object({ name: Text }).transform(({ name }) => name)]))
  .max(maxTags)
  .optional()
  .catch(undefined)

/** A campaign in either spelling of Mailivery's documentation, camelCase or snake_case. */
export const Campaign = z.record(z.string(), z.unknown()).transform((fields, context): Campaign => {
  const id = CampaignId.safeParse(pick(fields, 'id', 'campaignId', 'campaign_id'))
  if (!id.success) {
    context.addIssue({ code: 'custom', message: 'a campaign has no id' })
    return z.NEVER
  }
  const text = (...keys: readonly string[]) => OptionalText.parse(pick(fields, ...keys))
  return {
    id: id.data,
    email: text('email'),
    firstName: text('firstName', 'first_name'),
    lastName: text('lastName', 'last_name'),
    provider: text('providerType', 'provider_type', 'provider'),
    tags: Tags.parse(pick(fields, 'tags')),
    statusCode: toStatusCode(pick(fields, 'statusCode', 'status_code')),
    updatedAt: text('updatedAt', 'updated_at'),
  }
})

function toStatusCode(value: unknown): string | null {
  return OptionalText.parse(typeof value === 'number' ? String(value) : value) ?? null
}
