import { z } from 'zod'
import { Campaign } from './campaign.ts'
import { isObject, type Payload } from './classify-answer.ts'
import { readNextPage } from './read-next-page.ts'
import { toMalformed, toOk, type MailiveryResult } from './mailivery-result.ts'
import { pick } from './pick.ts'

/** One page of the list of campaigns. */
export interface CampaignPage {
  readonly campaigns: readonly Campaign[]
  /** The next page, for `listCampaigns`; null after the last one. */
  readonly next: string | null
  /** The number of campaigns on all pages; null if Mailivery does not tell it. */
  readonly total: number | null
}

/** A number of pages or campaigns, possibly as text. */
const Count = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
  ])
  .pipe(z.int().nonnegative())

/** Reads a page of the list, which stands in `data` or in `data.data`. */
export function readCampaignPage(payload: Payload, url: URL): MailiveryResult<CampaignPage> {
  const outer = payload['data']
  const list = isObject(outer) ? outer['data'] : outer
  const campaigns = z.array(Campaign).safeParse(list)
  if (!Array.isArray(list)) return toMalformed('the list of campaigns has no data')
  // A page without some of its campaigns would look as if they had been deleted.
  if (!campaigns.success) return toMalformed('the list of campaigns has an entry without an id')
  const pages = [payload, outer, payload['meta'], isObject(outer) ? outer['meta'] : undefined].filter(isObject)
  const next = readNextPage(pages, url)
  if (!next.ok) return toMalformed(next.problem)
  const total = Count.safeParse(pages.map((page) => pick(page, 'total')).find((value) => value !== undefined))
  return toOk({ campaigns: campaigns.data, next: next.token, total: total.data ?? null })
}
