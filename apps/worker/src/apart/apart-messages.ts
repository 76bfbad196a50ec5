import { Envelope } from '@warmhook/schema/envelope'
import { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { z } from 'zod'

/** What the parent asks. */
export const ApartRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('envelope'), envelope: Envelope, maxBodyBytes: z.int().positive() }),
  z.strictObject({
    kind: z.literal('event'),
    handler: z.string(),
    event: MailboxEvent,
    timeoutMs: z.int().positive(),
  }),
])
export type ApartRequest = z.infer<typeof ApartRequest>

/** What the child answers, if it lives to do so. */
export const ApartReply = z.strictObject({
  outcome: z.discriminatedUnion('status', [
    z.strictObject({ status: z.literal('done'), note: z.string().optional() }),
    z.strictObject({ status: z.literal('retry'), reason: z.string(), notBefore: z.number().optional() }),
    z.strictObject({ status: z.literal('hold'), reason: z.string(), notBefore: z.number().optional() }),
    z.strictObject({ status: z.literal('discard'), reason: z.string() }),
  ]),
})
export type ApartReply = z.infer<typeof ApartReply>
