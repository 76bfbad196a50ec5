import type { Secret } from '@warmhook/config/secret'
import { cutBatches } from '@warmhook/queue/cut-batches'
import type { ContactRecord, ContactResult, CrmProvider } from '../crm-provider.ts'
import type { HubspotAnswer } from './hubspot-answer.ts'
import { readBatchAnswer } from './read-batch-answer.ts'
import { toFailure } from './to-failure.ts'

export interface HubspotSettings {
  readonly baseUrl: string
  /** HubSpot names its versions by date. */
  readonly version: string
  readonly token: Secret
  readonly now: () => number
}

/** HubSpot takes 100 contacts a call (CRM contacts API, batch/upsert). */
const maxBatch = 100
const requestTimeoutMs = 10_000
const maxAnswerBytes = 4 * 1024 * 1024

/** A refused batch is halved until the bad contact stands alone; when all are bad that would be two calls for each. */
const maxCalls = 64

/** Contacts in HubSpot, by e-mail, through `batch/upsert`. */
export function createHubspotProvider(settings: HubspotSettings): CrmProvider {
  return {
    name: 'hubspot',
    async upsertContacts(records, signal) {
      const budget: CallBudget = { callsLeft: maxCalls }
      const batches = cutBatches(records, () => 1, { maxItems: maxBatch, maxSize: Number.POSITIVE_INFINITY })
      const results = await Promise.all(batches.map((batch) => upsertBatch(batch, settings, signal, budget)))
      return new Map(results.flatMap((result) => [...result]))
    },
  }
}

interface CallBudget {
  callsLeft: number
}

/** One call; when HubSpot refuses the batch as a whole, its halves, so that one bad contact does not sink the others. */
async function upsertBatch(
  records: readonly ContactRecord[],
  settings: HubspotSettings,
  signal: AbortSignal,
  budget: CallBudget,
): Promise<ReadonlyMap<string, ContactResult>> {
  if (budget.callsLeft === 0) return toEach(records, outOfBudget)
  budget.callsLeft -= 1
  const answer = await post(records, settings, signal)
  if (answer.status === 200 || answer.status === 201 || answer.status === 207)
    return readBatchAnswer(records, answer.body)
  const failure = toFailure(answer, settings.now())
  if (failure.status !== 'rejected' || records.length === 1) return toEach(records, failure)
  const middle = Math.ceil(records.length / 2)
  const first = await upsertBatch(records.slice(0, middle), settings, signal, budget)
  return new Map([...first, ...(await upsertBatch(records.slice(middle), settings, signal, budget))])
}

const outOfBudget: ContactResult = { status: 'retry', reason: 'HubSpot has refused too many batches of this attempt' }

function toEach(records: readonly ContactRecord[], result: ContactResult): ReadonlyMap<string, ContactResult> {
  return new Map(records.map((record) => [record.traceId, result]))
}

async function post(
  records: readonly ContactRecord[],
  settings: HubspotSettings,
  signal: AbortSignal,
): Promise<HubspotAnswer> {
  try {
    const response = await fetch(`${settings.baseUrl}/crm/objects/${settings.version}/contacts/batch/upsert`, {
      method: 'POST',
      headers: { authorization: `Bearer ${settings.token.reveal()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: records.map(toInput) }),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
    })
    return { status: response.status, headers: response.headers, body: await readBounded(response) }
  } catch (error) {
    return { status: 0, headers: new Headers(), body: nameOf(error) }
  }
}

/** The system's code or the error's name: its message can hold the request's headers, and so the token. */
function nameOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return 'unknown fault'
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  const chunks: AsyncIterable<Uint8Array> | readonly Uint8Array[] = response.body ?? []
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > maxAnswerBytes) throw new RangeError('the answer is too long')
  }
  return text
}

/** Every value is a string, and "" clears a property: HubSpot's schema refuses null and numbers. */
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
