import { hash } from 'node:crypto'
import type { Secret } from '@warmhook/config/secret'
import { cutBatches } from '@warmhook/batching/cut-batches'
import { createPeerClient } from '../../peer/create-peer-client.ts'
import { joinUrl } from '../../peer/join-url.ts'
import type { ContactRecord, CrmProvider } from '../crm-provider.ts'
import { upsertInParts } from './upsert-in-parts.ts'

export interface HubspotSettings {
  readonly baseUrl: string
  /** HubSpot names its versions by date. */
  readonly version: string
  readonly token: Secret
  readonly now: () => number
}

/** HubSpot accepts 100 contacts per call (CRM contacts API, batch/upsert). */
const maxBatch = 100
const limits = { requestMs: 10_000, maxAnswerBytes: 4 * 1024 * 1024 }

/** Writes contacts to HubSpot, by e-mail, with `batch/upsert`. */
export function createHubspotProvider({ baseUrl, version, token, now }: HubspotSettings): CrmProvider {
  const post = createPeerClient(limits)
  const url = joinUrl(baseUrl, `/crm/objects/${version}/contacts/batch/upsert`)
  const upsert = (records: readonly ContactRecord[], signal: AbortSignal) =>
    post({
      url,
      headers: { authorization: `Bearer ${token.reveal()}` },
      body: { inputs: records.map(toInput) },
      signal,
    })
  return {
    name: 'hubspot',
    accountKey: hash('sha256', `hubspot ${url.href} ${token.reveal()}`),
    upsertContacts(records, terms) {
      const batches = cutBatches(records, () => 1, { maxItems: maxBatch, maxSize: Number.POSITIVE_INFINITY })
      return upsertInParts(batches, terms, { upsert, now })
    },
  }
}

/** Every value is a string, and "" clears a property: HubSpot's schema rejects null and numbers. */
function toInput(record: ContactRecord) {
  return {
    id: record.email,
    idProperty: 'email',
    objectWriteTraceId: record.traceId,
    properties: {
      email: record.email,
      mailivery_warmup_status: record.warmupStatus,
      mailivery_paused_since: toTime(record.pausedSince),
      mailivery_pause_reason: record.pauseReason ?? '',
      mailivery_provider: record.provider ?? '',
      mailivery_tags: record.tags.join(';'),
      mailivery_campaign_id: String(record.campaignId),
      mailivery_last_event_at: toTime(record.lastEventAt),
    },
  }
}

function toTime(ms: number | null): string {
  return ms === null ? '' : new Date(ms).toISOString()
}
