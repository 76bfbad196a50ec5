import { hash } from 'node:crypto'
import type { CrmOnDelete, CrmProviderName } from '@warmhook/config/crm-fields'
import type { LocatedCrm } from '@warmhook/config/endpoints'
import { fields } from '@warmhook/config/fields'
import { EnvError, parseAll, parseEnv } from '@warmhook/config/parse-env'
import { readEndpoints } from '@warmhook/config/read-endpoints'
import { readSecretFile } from '@warmhook/config/read-secret-file'
import type { CrmAccess } from '../crm-provider.ts'
import { defaultMapping } from '../mapping/default-mapping.ts'
import type { Mapping } from '../mapping/mapping.ts'
import { readMappingFile } from '../mapping/read-mapping-file.ts'
import { crmProviders } from '../providers.ts'
import type { CrmAccount, CrmSettings, OwnerCrm } from './crm-settings.ts'

/** The variables of CRM accounts. */
export const crmVariables = {
  CRM_PROVIDER: fields.CRM_PROVIDER.optional(),
  CRM_MODE: fields.CRM_MODE,
  CRM_ON_DELETE: fields.CRM_ON_DELETE,
  CRM_MAPPING_FILE: fields.CRM_MAPPING_FILE.optional(),
  CRM_SHARED_BY_OWNERS: fields.CRM_SHARED_BY_OWNERS,
  HUBSPOT_ACCESS_TOKEN: fields.HUBSPOT_ACCESS_TOKEN.optional(),
  HUBSPOT_BASE_URL: fields.HUBSPOT_BASE_URL,
  HUBSPOT_API_VERSION: fields.HUBSPOT_API_VERSION,
  PIPEDRIVE_API_TOKEN: fields.PIPEDRIVE_API_TOKEN.optional(),
  PIPEDRIVE_BASE_URL: fields.PIPEDRIVE_BASE_URL,
  ATTIO_API_KEY: fields.ATTIO_API_KEY.optional(),
  ATTIO_BASE_URL: fields.ATTIO_BASE_URL,
  CRM_HTTP_URL: fields.CRM_HTTP_URL.optional(),
  CRM_HTTP_SECRET: fields.CRM_HTTP_SECRET.optional(),
}

type Values = ReturnType<typeof parseEnv<typeof crmVariables>>

/**
 * The CRM accounts of the environment and of ENDPOINTS_FILE.
 *
 * @param sources the names of all known senders
 * @throws EnvError listing every problem
 */
export function readCrmSettings(env: NodeJS.ProcessEnv, sources: readonly string[]): CrmSettings {
  const [values, endpoints] = parseAll(
    () => parseEnv(crmVariables, env),
    () => readEndpoints(env, sources),
  )
  const [fallback, own] = parseAll(
    () => readFallback(values),
    () => parseAll(...endpoints.map((endpoint) => () => endpoint.crm && readOwnerCrm(endpoint.crm, values))),
  )
  const byOwner = new Map<string, OwnerCrm>()
  for (const [index, { owner, crm }] of endpoints.entries()) {
    const ownerCrm = own[index]
    if (crm === undefined || ownerCrm === undefined) continue
    if (byOwner.has(owner)) throw new EnvError([`${crm.place}: ${owner} has CRM settings in another entry already`])
    byOwner.set(owner, sharing(ownerCrm, fallback))
  }
  const owners = [...new Set(endpoints.map(({ owner }) => owner))]
  return { fallback, byOwner, owners, isShared: values.CRM_SHARED_BY_OWNERS }
}

/** @throws EnvError when several accounts are set and CRM_PROVIDER does not choose one, or its credentials are missing */
function readFallback(values: Values): OwnerCrm | undefined {
  const accesses = accessesOf(values)
  const set = accesses.filter(({ access }) => access !== undefined)
  const chosen = values.CRM_PROVIDER
  if (chosen === undefined && set.length > 1) {
    const names = set.map(({ provider }) => provider).join(' and ')
    throw new EnvError([`the credentials of ${names} are set: choose one with CRM_PROVIDER, or unset the others`])
  }
  const found = accesses.find(({ provider }) => provider === (chosen ?? set[0]?.provider))
  if (found === undefined) return undefined
  const { provider, access, needs } = found
  if (access === undefined) throw new EnvError([`CRM_PROVIDER is ${provider}, but ${needs} is not set`])
  return toOwnerCrm(
    { id: provider, key: keyOf(provider, access), provider, access },
    { mode: values.CRM_MODE, onDelete: values.CRM_ON_DELETE, mapping: values.CRM_MAPPING_FILE },
    'CRM_ON_DELETE',
  )
}

interface Candidate {
  readonly provider: CrmProviderName
  /** Undefined without credentials. */
  readonly access: CrmAccess | undefined
  /** What has to be set. */
  readonly needs: string
}

function accessesOf(values: Values): readonly Candidate[] {
  const withToken = (token: CrmAccess['token'] | undefined, rest: Omit<CrmAccess, 'token'>): CrmAccess | undefined =>
    token && { ...rest, token }
  const { CRM_HTTP_URL: url, CRM_HTTP_SECRET: secret } = values
  return [
    {
      provider: 'hubspot',
      access: withToken(values.HUBSPOT_ACCESS_TOKEN, {
        baseUrl: values.HUBSPOT_BASE_URL,
        version: values.HUBSPOT_API_VERSION,
      }),
      needs: 'HUBSPOT_ACCESS_TOKEN',
    },
    {
      provider: 'pipedrive',
      access: withToken(values.PIPEDRIVE_API_TOKEN, { baseUrl: values.PIPEDRIVE_BASE_URL }),
      needs: 'PIPEDRIVE_API_TOKEN',
    },
    {
      provider: 'attio',
      access: withToken(values.ATTIO_API_KEY, { baseUrl: values.ATTIO_BASE_URL }),
      needs: 'ATTIO_API_KEY',
    },
    {
      provider: 'http',
      access: url && secret && { baseUrl: url.reveal(), token: secret },
      needs: url === undefined ? 'CRM_HTTP_URL' : 'CRM_HTTP_SECRET',
    },
  ]
}

function readOwnerCrm(crm: LocatedCrm, values: Values): OwnerCrm {
  const { provider, tokenFile, baseUrl = baseUrlOf(crm, values), place } = crm
  const token = readSecretFile(tokenFile)
  if (!token.ok) throw new EnvError([`${place}: tokenFile refers to a file that ${token.problem}`])
  const version = provider === 'hubspot' ? { version: values.HUBSPOT_API_VERSION } : {}
  const access = { baseUrl, token: token.secret, ...version }
  const key = keyOf(provider, access)
  return toOwnerCrm(
    { id: `${provider}:${key.slice(0, 16)}`, key, provider, access },
    { mode: crm.mode ?? 'upsert', onDelete: crm.onDelete ?? 'mark', mapping: crm.mapping },
    `${place}: onDelete`,
  )
}

function baseUrlOf({ provider, place }: LocatedCrm, values: Values): string {
  switch (provider) {
    case 'hubspot':
      return values.HUBSPOT_BASE_URL
    case 'pipedrive':
      return values.PIPEDRIVE_BASE_URL
    case 'attio':
      return values.ATTIO_BASE_URL
    case 'http':
      throw new EnvError([`${place}: baseUrl is required for http: the URL that receives the contacts`])
  }
}

interface Terms {
  readonly mode: OwnerCrm['mode']
  readonly onDelete: CrmOnDelete
  /** Path of the mapping file. */
  readonly mapping: string | undefined
}

function toOwnerCrm(account: CrmAccount, { mode, onDelete, mapping }: Terms, onDeleteName: string): OwnerCrm {
  const kind = crmProviders[account.provider]
  if (onDelete === 'archive' && !kind.canArchive)
    throw new EnvError([`${onDeleteName} is archive, but ${kind.label} can't archive contacts: use mark or leave`])
  const read: Mapping = mapping === undefined ? defaultMapping : readMappingFile(mapping, kind)
  return { account, mode, onDelete, mapping: read }
}

/** An owner whose account is that of the environment shares its contacts, its gate and its budget. */
function sharing(own: OwnerCrm, fallback: OwnerCrm | undefined): OwnerCrm {
  return own.account.key === fallback?.account.key ? { ...own, account: fallback.account } : own
}

/** A digest, because the key is stored. */
function keyOf(provider: CrmProviderName, { baseUrl, version = '', token }: CrmAccess): string {
  return hash('sha256', JSON.stringify([provider, baseUrl.replace(/\/+$/, ''), version, token.reveal()]))
}
