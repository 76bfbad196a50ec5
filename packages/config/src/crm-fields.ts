import { z } from 'zod'
import { httpUrl } from './field-kinds.ts'

export const CrmProviderName = z.enum(['hubspot', 'pipedrive', 'attio', 'http'], {
  error: 'must be hubspot, pipedrive, attio or http',
})
export type CrmProviderName = z.infer<typeof CrmProviderName>

/** `update-only`: a mailbox without a contact is left alone. */
export const CrmMode = z.enum(['upsert', 'update-only'], { error: 'must be upsert or update-only' })
export type CrmMode = z.infer<typeof CrmMode>

/** What happens to the contact of a mailbox that was deleted at the sender. */
export const CrmOnDelete = z.enum(['mark', 'archive', 'leave'], { error: 'must be mark, archive or leave' })
export type CrmOnDelete = z.infer<typeof CrmOnDelete>

const File = z.string().min(1, 'must name a file')

/** An owner's CRM in ENDPOINTS_FILE. Paths are relative to that file. */
export const EndpointCrm = z.strictObject({
  provider: CrmProviderName,
  tokenFile: File,
  /** The vendor's by default; required for `http`. */
  baseUrl: httpUrl('https://api.hubapi.com').optional(),
  mode: CrmMode.optional(),
  onDelete: CrmOnDelete.optional(),
  mapping: File.optional(),
})
export type EndpointCrm = Readonly<z.infer<typeof EndpointCrm>>
