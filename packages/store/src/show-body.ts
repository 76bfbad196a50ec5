import { inflateBody } from '@warmhook/schema/content-encoding'
import { encodeBody, type Envelope } from '@warmhook/schema/envelope'

/** A request body for people to read. */
export interface ShownBody {
  /** The body, inflated where it came compressed and that is possible: as text when it is UTF-8, else base64. */
  readonly raw: Envelope['body']
  readonly encoding: Envelope['encoding']
  /** The codings in which the body was received and is stored. */
  readonly contentEncoding: string | null
  /** Whether `raw` is without them. */
  readonly inflated: boolean
}

/** As much as an answer should hold of one body; what inflates to more is shown as it was received. */
const maxShownBytes = 1024 * 1024

/** Shows a stored body. */
export async function showBody(bytes: Buffer, contentEncoding: string | null): Promise<ShownBody> {
  const inflated = contentEncoding === null ? undefined : await inflateBody(bytes, contentEncoding, maxShownBytes)
  const isInflated = inflated?.ok === true
  const { body: raw, encoding } = encodeBody(isInflated ? inflated.bytes : bytes)
  return { raw, encoding, contentEncoding, inflated: isInflated }
}
