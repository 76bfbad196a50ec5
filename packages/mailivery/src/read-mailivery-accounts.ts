import type { Endpoint } from '@warmhook/config/endpoints'
import { fields } from '@warmhook/config/fields'
import { EnvError, parseAll, parseEnv } from '@warmhook/config/parse-env'
import { readEndpoints } from '@warmhook/config/read-endpoints'
import { readSecretFile } from '@warmhook/config/read-secret-file'
import type { WarmupRule } from '@warmhook/config/mailivery-fields'
import type { Secret } from '@warmhook/config/secret'

/** An owner's access to Mailivery's API. */
export interface MailiveryAccount {
  readonly apiKey: Secret
  readonly baseUrl: string
  /** The pending campaigns to start; undefined: none, they are not even looked at. */
  readonly startWarmup?: WarmupRule | undefined
}

/** Each owner's access to Mailivery's API; an owner without one is absent. */
export type MailiveryAccounts = ReadonlyMap<string, MailiveryAccount>

/** The variables of the access to Mailivery's API. */
export const mailiveryVariables = {
  MAILIVERY_API_KEY: fields.MAILIVERY_API_KEY.optional(),
  MAILIVERY_BASE_URL: fields.MAILIVERY_BASE_URL,
  WARMUP_START_TAGS: fields.WARMUP_START_TAGS.default([]),
  WARMUP_START_DOMAINS: fields.WARMUP_START_DOMAINS.default([]),
  WARMUP_START_ADDRESSES: fields.WARMUP_START_ADDRESSES.default([]),
}

type Values = ReturnType<typeof parseEnv<typeof mailiveryVariables>>

const mailivery = 'mailivery'

/**
 * The access of every owner with an endpoint for Mailivery: its own in ENDPOINTS_FILE, otherwise that of the environment.
 * Owners without either are absent. Without endpoints, an installation has the one owner `default`.
 *
 * @param sources the names of all known senders
 * @throws EnvError listing every problem
 */
export function readMailiveryAccounts(env: NodeJS.ProcessEnv, sources: readonly string[]): MailiveryAccounts {
  const [values, endpoints] = parseAll(
    () => parseEnv(mailiveryVariables, env),
    () => readEndpoints(env, sources),
  )
  const { MAILIVERY_API_KEY: apiKey, MAILIVERY_BASE_URL: baseUrl } = values
  const shared = apiKey && { apiKey, baseUrl, startWarmup: toRule(values) }
  if (endpoints.length === 0) return new Map(shared && [['default', shared]])
  const accounts = parseAll(...endpoints.map((endpoint) => () => readOwn(endpoint, values) ?? shared))
  const entries = endpoints.flatMap(({ owner, source }, index): readonly [string, MailiveryAccount][] => {
    const account = accounts[index]
    return source === mailivery && account !== undefined ? [[owner, account]] : []
  })
  return new Map(entries)
}

function readOwn({ source, mailivery: own }: Endpoint, values: Values): MailiveryAccount | undefined {
  if (own === undefined) return undefined
  // An owner has one endpoint of each source, so it has one access.
  if (source !== mailivery)
    throw new EnvError([`${own.place}: mailivery belongs to an endpoint whose source is mailivery`])
  const apiKey = readSecretFile(own.apiKeyFile)
  if (!apiKey.ok) throw new EnvError([`${own.place}: apiKeyFile refers to a file that ${apiKey.problem}`])
  return {
    apiKey: apiKey.secret,
    baseUrl: own.baseUrl ?? values.MAILIVERY_BASE_URL,
    startWarmup: own.startWarmup ?? toRule(values),
  }
}

function toRule(values: Values): WarmupRule | undefined {
  const { WARMUP_START_TAGS: tags, WARMUP_START_DOMAINS: domains, WARMUP_START_ADDRESSES: addresses } = values
  return [tags, domains, addresses].every((names) => names.length === 0) ? undefined : { tags, domains, addresses }
}
