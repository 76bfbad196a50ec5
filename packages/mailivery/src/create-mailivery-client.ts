import type { BudgetState } from '@warmhook/peer/budget/budget'
import { joinUrl } from '@warmhook/peer/join-url'
import { z } from 'zod'
import { Campaign } from './campaign.ts'
import { isObject, type Payload } from './classify-answer.ts'
import { createMailiveryCalls, type MailiveryAccess } from './create-mailivery-calls.ts'
import { toMalformed, toOk, type MailiveryResult } from './mailivery-result.ts'
import { pick } from './pick.ts'
import { readCampaignPage, type CampaignPage } from './read-campaign-page.ts'

/** Mailivery's API with one key. No call throws for a fault of Mailivery; all count against limits that workers share. */
export interface MailiveryClient {
  /**
   * Reads one page of the list of campaigns.
   *
   * @param page `next` of the page before; null for the first one
   */
  readonly listCampaigns: (page: string | null, signal?: AbortSignal) => Promise<MailiveryResult<CampaignPage>>
  /** `not found` only if Mailivery itself says so. */
  readonly getCampaign: (
    id: number,
    signal?: AbortSignal,
  ) => Promise<MailiveryResult<Campaign> | { readonly status: 'not found' }>
  /** Starts a pending campaign. Mailivery rejects it if it cannot connect to the mailbox. */
  readonly startWarmup: (id: number, signal?: AbortSignal) => Promise<MailiveryResult<'started'>>
  /** Asks for the link with which a person reconnects a Microsoft mailbox; null for other mailboxes. */
  readonly requestReconnect: (id: number, signal?: AbortSignal) => Promise<MailiveryResult<string | null>>
  /** Lets Mailivery recheck all mailboxes with problems, later, and restart those that work again. */
  readonly recheckConnections: (signal?: AbortSignal) => Promise<MailiveryResult<'requested'>>
  /** How many rechecks are left. */
  readonly readRecheckBudget: () => Promise<Omit<BudgetState, 'window'>>
}

/** Creates a client, which opens no connection until it is called. */
export function createMailiveryClient(access: MailiveryAccess): MailiveryClient {
  const { send, readRechecks } = createMailiveryCalls(access)
  const toUrl = (path: string): URL => joinUrl(access.baseUrl, path)
  const patch = (path: string, signal: AbortSignal | undefined) =>
    send({ method: 'PATCH', url: toUrl(path), body: {}, signal })

  return {
    async listCampaigns(page, signal) {
      const url = toUrl('/campaigns')
      if (page !== null) url.search = page
      return readAnswer(await send({ method: 'GET', url, signal }), (payload) => readCampaignPage(payload, url))
    },
    async getCampaign(id, signal) {
      const answer = await send({ method: 'GET', url: toUrl(`/campaigns/${id}`), signal })
      if (answer.status === 'rejected' && answer.httpStatus === 404 && answer.code !== null)
        return { status: 'not found' }
      return readAnswer(answer, (payload) => readCampaign(payload, id))
    },
    async startWarmup(id, signal) {
      return readAnswer(await patch(`/campaigns/${id}/start-warmup`, signal), () => toOk('started'))
    },
    async requestReconnect(id, signal) {
      return readAnswer(await patch(`/campaigns/${id}`, signal), readReconnectUrl)
    },
    async recheckConnections(signal) {
      const url = toUrl('/campaigns/connections/recheck')
      url.searchParams.set('auto_restart', 'true')
      return readAnswer(await send({ method: 'GET', url, isRecheck: true, signal }), () => toOk('requested'))
    },
    async readRecheckBudget() {
      const { limit, remaining, resetsAt } = await readRechecks()
      return { limit, remaining, resetsAt }
    },
  }
}

function readAnswer<Value>(
  answer: MailiveryResult<Payload>,
  read: (payload: Payload) => MailiveryResult<Value>,
): MailiveryResult<Value> {
  return answer.status === 'ok' ? read(answer.value) : answer
}

function readCampaign(payload: Payload, id: number): MailiveryResult<Campaign> {
  const campaign = Campaign.safeParse(payload['data'])
  if (!campaign.success) return toMalformed('the campaign has no id')
  return campaign.data.id === id ? toOk(campaign.data) : toMalformed('the campaign has another id')
}

/** A link that a person opens, so it must not run a script. */
const ReconnectUrl = z.url({ protocol: /^https$/ }).max(4_096)

function readReconnectUrl(payload: Payload): MailiveryResult<string | null> {
  const { data } = payload
  const places = [payload, data].filter((place) => isObject(place))
  const found = places.map((place) => pick(place, 'reconnectUrl', 'reconnect_url')).find((url) => url !== undefined)
  if (found === undefined) return toOk(null)
  const url = ReconnectUrl.safeParse(found)
  return url.success ? toOk(url.data) : toMalformed('the link to reconnect is not an https URL')
}
