import { z } from 'zod'
import { httpUrl } from './field-kinds.ts'

/** An owner's access to Mailivery's API in ENDPOINTS_FILE. Paths are relative to that file. */
export const EndpointMailivery = z.strictObject({
  apiKeyFile: z.string().min(1, 'must name a file'),
  /** MAILIVERY_BASE_URL by default. */
  baseUrl: httpUrl('https://app.mailivery.io/api/v1').optional(),
})
export type EndpointMailivery = Readonly<z.infer<typeof EndpointMailivery>>
