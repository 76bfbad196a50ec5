import { WebhookType, type MailboxProfile } from '../../mailbox-event.ts'
import type { PayloadVerdict } from '../source.ts'
import { findFields, type Fields } from './find-fields.ts'
import { isArray, isObject, parseJson } from './json-value.ts'
import { readEmail, readId, readJsonText, readReason, readTags, readText, type Warn } from './read-fields.ts'

/**
 * Reads a payload leniently, because a webhook is sent only once: a type and an id are enough. Anything else that is
 * not as documented is read by its obvious meaning or left out, with a warning. Quirks of the reference cause no
 * warning: `lalst_name`, `id` for `campaign_id`, `type` for `provider_type`, and fields that only some events have.
 */
export function readPayload(payload: unknown): PayloadVerdict {
  const warnings: string[] = []
  const root = toRoot(payload, warnings)
  if (root === undefined) return refuse('payload', 'is not an object')
  const type = readType(root, warnings)
  if (type === undefined) return refuseType(root.get('type'))
  const account = findAccount(root, warnings)
  if (account === undefined) return refuse('account', 'is missing or not an object')
  const campaignId = readCampaignId(account, root, warnings)
  if (campaignId === undefined) return refuse('account.campaign_id', 'is missing or not a whole number, and so is id')
  const reason = type === 'campaign.connection.problematic' ? readRootReason(root, account, warnings) : undefined
  const profile = toProfile(account, warnings)
  return {
    ok: true,
    content: { type, campaignId, ...(reason === undefined ? {} : { reason }), profile },
    warnings,
  }
}

interface Account {
  readonly fields: Fields
  /** The prefix of its fields in warnings; empty if they are next to the event's type. */
  readonly prefix: 'account.' | ''
}

const maxWrappers = 4
/** Keys under which relays put the forwarded payload. */
const wrapperNames = ['data', 'payload'] as const

/** The fields of the object that contains the type, or should contain it. */
function toRoot(payload: unknown, warnings: string[]): Fields | undefined {
  let value = payload
  for (let depth = 0; depth < maxWrappers; depth += 1) {
    const inner = unwrapValue(value)
    if (inner === undefined) break
    value = inner
  }
  if (!isObject(value)) return undefined
  let fields = findFields(value)
  if (value !== payload) warnings.push('payload: expected an object, read the one inside it')
  for (const name of wrapperNames) {
    const inner = toObject(fields.get(name))
    if (inner === undefined || toEventType(fields.get('type')) !== undefined) continue
    if (toEventType(findFields(inner).get('type')) === undefined) continue
    warnings.push(`payload: expected the type next to ${name}, read it inside ${name}`)
    fields = findFields(inner)
  }
  return fields
}

/** The value of an array with one item or of JSON in a text. */
function unwrapValue(value: unknown): unknown {
  if (isArray(value)) return value.length === 1 ? value[0] : undefined
  return typeof value === 'string' && /^\s*["[{]/.test(value) ? parseJson(value) : undefined
}

function readType(root: Fields, warnings: string[]): WebhookType | undefined {
  const written = root.get('type')
  const known = eventTypes.get(written)
  if (known !== undefined) return known
  for (const name of ['type', 'eventtype', 'event', 'eventname']) {
    const type = toEventType(root.get(name))
    if (type === undefined) continue
    warnings.push(name === 'type' ? `type: read as ${type}` : `type: is not a known type, read ${type} from ${name}`)
    return type
  }
  return undefined
}

const eventTypes: ReadonlyMap<unknown, WebhookType> = new Map(WebhookType.options.map((type) => [type, type]))

/** The type that a text names, ignoring case, surrounding white space and punctuation. */
function toEventType(value: unknown): WebhookType | undefined {
  const only = isArray(value) && value.length === 1 ? value[0] : value
  if (typeof only !== 'string' || only.length > 100) return undefined
  return eventTypes.get(
    only
      .trim()
      .toLowerCase()
      .replaceAll(/[\s_:/-]+/g, '.'),
  )
}

/** The object that contains the mailbox's fields: `account` or its equivalent. */
function findAccount(root: Fields, warnings: string[]): Account | undefined {
  const written = root.get('account')
  if (isObject(written)) return { fields: findFields(written), prefix: 'account.' }
  const wrapped = toObject(written) ?? wrapperNames.map((name) => accountIn(root.get(name))).find(isObject)
  if (wrapped !== undefined) {
    warnings.push('account: expected an object, read an equivalent one')
    return { fields: findFields(wrapped), prefix: 'account.' }
  }
  if (readId(written, ignoreWarning) !== undefined) {
    warnings.push('account: expected an object, read as its campaign_id')
    return { fields: new Map([...withoutType(root), ['campaignid', written]]), prefix: '' }
  }
  if (!root.has('campaignid') && !root.has('id')) return undefined
  warnings.push('account: expected an object, read its fields next to the type')
  return { fields: withoutType(root), prefix: '' }
}

/** The type next to the fields is the event's, not the provider's. */
function withoutType(root: Fields): Fields {
  return new Map([...root].filter(([name]) => name !== 'type'))
}

function accountIn(wrapper: unknown): object | undefined {
  const object = toObject(wrapper)
  if (object === undefined) return undefined
  const fields = findFields(object)
  return toObject(fields.get('account')) ?? (fields.has('campaignid') || fields.has('id') ? object : undefined)
}

/** An object or its equivalent. */
function toObject(value: unknown): object | undefined {
  if (isObject(value)) return value
  const inner = unwrapValue(value)
  return isObject(inner) ? inner : undefined
}

/** If there is an account, `id` at the root could be an event's: only `campaign_id` there is the mailbox's. */
function readCampaignId({ fields, prefix }: Account, root: Fields, warnings: string[]): number | undefined {
  const id = readFirst(fields, idNames, prefix, readId, warnings)
  if (id !== undefined || prefix === '' || !root.has('campaignid')) return id
  return readFirst(root, { campaignid: 'campaign_id' }, '', readId, warnings)
}

function readRootReason(root: Fields, { fields }: Account, warnings: string[]): string | undefined {
  const name = { reason: 'reason' }
  return readFirst(root, name, '', readReason, warnings) ?? readFirst(fields, name, 'account.', readReason, warnings)
}

const idNames = { campaignid: 'campaign_id', id: 'id' }
const emailNames = { email: 'email' }
const firstNames = { firstname: 'first_name' }
const lastNames = { lastname: 'last_name', lalstname: 'lalst_name' }
const providerNames = { providertype: 'provider_type', type: 'type' }
const tagNames = { tags: 'tags' }
const metaNames = { meta: 'meta' }

/** Null and absent both mean that the event does not contain the field. */
function toProfile({ fields, prefix }: Account, warnings: string[]): MailboxProfile {
  const email = readFirst(fields, emailNames, prefix, readEmail, warnings)
  const firstName = readFirst(fields, firstNames, prefix, readText, warnings)
  const lastName = readFirst(fields, lastNames, prefix, readText, warnings)
  const provider = readFirst(fields, providerNames, prefix, readText, warnings)
  const tags = readFirst(fields, tagNames, prefix, readTags, warnings)
  const meta = readFirst(fields, metaNames, prefix, readJsonText, warnings)
  return {
    ...(email === undefined ? {} : { email }),
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
    ...(provider === undefined ? {} : { provider }),
    ...(tags === undefined ? {} : { tags: [...tags] }),
    ...(meta === undefined ? {} : { meta }),
  }
}

/** The first field that can be read; `names` maps the name to look for to the documented name. */
function readFirst<Value>(
  fields: Fields,
  names: Readonly<Record<string, string>>,
  prefix: string,
  read: (value: unknown, warn: Warn) => Value | undefined,
  warnings: string[],
): Value | undefined {
  for (const name in names) {
    const value = fields.get(name)
    if (value === undefined) continue
    const found = read(value, (problem) => {
      const warning = `${prefix}${names[name]}: ${problem}`
      if (!warnings.includes(warning)) warnings.push(warning)
    })
    if (found !== undefined) return found
  }
  return undefined
}

const ignoreWarning: Warn = () => undefined

function refuse(field: string, problem: string): PayloadVerdict {
  const path = field === 'payload' ? [] : field.split('.')
  return { ok: false, issue: `invalid: ${field}`, issues: [{ code: 'invalid', path, message: `${field} ${problem}` }] }
}

function refuseType(type: unknown): PayloadVerdict {
  if (typeof type !== 'string') return refuse('type', 'is missing or not text')
  const name = type.replaceAll(/[^\w.:-]/g, '?').slice(0, 80)
  return {
    ok: false,
    issue: `unhandled type: ${name}`,
    issues: [{ code: 'unhandled_type', path: ['type'], message: `unknown type "${name}"` }],
  }
}
