import { z } from 'zod'

/** A number, or digits in a string: both have been seen for ids. */
const CampaignId = z.union(
  [
    z.int().nonnegative(),
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
  ],
  'must be a whole number',
)

const Text = z.string().nullish()

/**
 * `account` as Mailivery prints it, with the quirks of its reference: `lalst_name`, `id` for `campaign_id`,
 * `type` for `provider_type`, and fields that only some events have. Unknown fields pass.
 */
const Account = z
  .looseObject({
    campaign_id: CampaignId.nullish(),
    id: CampaignId.nullish(),
    first_name: Text,
    last_name: Text,
    lalst_name: Text,
    email: Text,
    provider_type: Text,
    type: Text,
    tags: z.array(z.union([z.string(), z.number().transform(String)])).nullish(),
    meta: Text,
  })
  .refine((account) => account.campaign_id != null || account.id != null, {
    path: ['campaign_id'],
    message: 'campaign_id (or id) is missing',
  })

const common = { action: Text, account: Account }

/** The five documented payloads, by `type`. */
export const MailiveryPayload = z.discriminatedUnion('type', [
  z.looseObject({ ...common, type: z.literal('campaign.pending') }),
  z.looseObject({ ...common, type: z.literal('campaign.created') }),
  z.looseObject({ ...common, type: z.literal('campaign.updated') }),
  z.looseObject({ ...common, type: z.literal('campaign.deleted') }),
  z.looseObject({ ...common, type: z.literal('campaign.connection.problematic'), reason: Text }),
])
export type MailiveryPayload = z.infer<typeof MailiveryPayload>
