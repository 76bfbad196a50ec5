import { z } from 'zod'
import { httpUrl } from './field-kinds.ts'

const Names = z.array(z.string().trim().min(1, 'must not be empty')).default([])

/** Which pending campaigns are expected, and started: those that match any of these. */
export const WarmupRule = z.strictObject({ tags: Names, domains: Names, addresses: Names })
export type WarmupRule = Readonly<z.infer<typeof WarmupRule>>

/** An owner's access to Mailivery's API in ENDPOINTS_FILE. Paths are relative to that file. */
export const EndpointMailivery = z.strictObject({
  apiKeyFile: z.string().min(1, 'must name a file'),
  /** MAILIVERY_BASE_URL by default. */
  baseUrl: httpUrl('https://app.mailivery.io/api/v1').optional(),
  /** By default that of the environment. */
  startWarmup: WarmupRule.optional(),
})
export type EndpointMailivery = Readonly<z.infer<typeof EndpointMailivery>>
