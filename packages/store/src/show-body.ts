import { inflateBody } from '@warmhook/schema/content-encoding'
import { encodeBody, type Envelope } from '@warmhook/schema/envelope'

/** A request body in readable form. */
export interface ShownBody {
  /** The body, decompressed if possible: as text if it is UTF-8, otherwise base64. */
  readonly raw: Envelope['body']
  readonly encoding: Envelope['encoding']
  /** The content encodings in which the body was received and is stored. */
  readonly contentEncoding: string | null
  /** Whether `raw` was decompressed. */
  readonly inflated: boolean
}

/** The most that a response should contain of one body. A body that inflates to more is shown as received. */
const maxShownBytes = 1024 * 1024

/** Converts a stored body to its readable form. */
export async function showBody(bytes: Buffer, contentEncoding: string | null): Promise<ShownBody> {
  const inflated = contentEncoding === null ? undefined : await inflateBody(bytes, contentEncoding, maxShownBytes)
  const isInflated = inflated?.ok === true
  const { body: raw, encoding } = encodeBody(isInflated ? inflated.bytes : bytes)
  return { raw, encoding, contentEncoding, inflated: isInflated }
}
