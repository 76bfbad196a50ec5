import { EventType, type MailboxProfile } from '../../mailbox-event.ts'
import type { PayloadVerdict } from '../source.ts'
import { findFields, type Fields } from './find-fields.ts'
import { isArray, isObject, parseJson } from './json-value.ts'
import { readEmail, readId, readJsonText, readReason, readTags, readText, type Warn } from './read-fields.ts'

/**
 * Reads a payload as the event that it plainly is. A webhook is sent once: a type and an id are enough, and whatever else
 * is not as documented is read as what it plainly means, or left out, with a warning. The quirks of the reference need
 * none: `lalst_name`, `id` for `campaign_id`, `type` for `provider_type`, fields that only some events have.
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
  if (campaignId === undefined) return refuse('account.campaign_id', 'is missing or not a whole number (so is id)')
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
  /** How a warning names its fields: they may stand beside the event's type. */
  readonly prefix: 'account.' | ''
}

const maxWrappers = 4
/** Keys under which relays put what they pass on. */
const wrapperNames = ['data', 'payload'] as const

/** The fields of the object that holds the type, or would have to. */
function toRoot(payload: unknown, warnings: string[]): Fields | undefined {
  let value = payload
  for (let depth = 0; depth < maxWrappers; depth += 1) {
    const inner = unwrapValue(value)
    if (inner === undefined) break
    value = inner
  }
  if (!isObject(value)) return undefined
  let fields = findFields(value)
  if (value !== payload) warnings.push('payload: expected an object, read the one in it')
  for (const name of wrapperNames) {
    const inner = toObject(fields.get(name))
    if (inner === undefined || toEventType(fields.get('type')) !== undefined) continue
    if (toEventType(findFields(inner).get('type')) === undefined) continue
    warnings.push(`payload: expected the type beside ${name}, read it in there`)
    fields = findFields(inner)
  }
  return fields
}

/** What an array of one, or JSON in a text, stands for. */
function unwrapValue(value: unknown): unknown {
  if (isArray(value)) return value.length === 1 ? value[0] : undefined
  return typeof value === 'string' && /^\s*["[{]/.test(value) ? parseJson(value) : undefined
}

function readType(root: Fields, warnings: string[]): EventType | undefined {
  const written = root.get('type')
  const known = eventTypes.get(written)
  if (known !== undefined) return known
  for (const name of ['type', 'eventtype', 'event', 'eventname']) {
    const type = toEventType(root.get(name))
    if (type === undefined) continue
    warnings.push(name === 'type' ? `type: read as ${type}` : `type: is no known type, read ${type} from ${name}`)
    return type
  }
  return undefined
}

const eventTypes: ReadonlyMap<unknown, EventType> = new Map(EventType.options.map((type) => [type, type]))

/** The type that a text plainly names, whatever its case, the white space around it and its punctuation. */
function toEventType(value: unknown): EventType | undefined {
  const only = isArray(value) && value.length === 1 ? value[0] : value
  if (typeof only !== 'string' || only.length > 100) return undefined
  return eventTypes.get(
    only
      .trim()
      .toLowerCase()
      .replaceAll(/[\s_:/-]+/g, '.'),
  )
}

/** The object that holds the mailbox's fields: `account`, or whatever stands for it. */
function findAccount(root: Fields, warnings: string[]): Account | undefined {
  const written = root.get('account')
  if (isObject(written)) return { fields: findFields(written), prefix: 'account.' }
  const wrapped = toObject(written) ?? wrapperNames.map((name) => accountIn(root.get(name))).find(isObject)
  if (wrapped !== undefined) {
    warnings.push('account: expected an object, read the one that stands for it')
    return { fields: findFields(wrapped), prefix: 'account.' }
  }
  if (readId(written, ignoreWarning) !== undefined) {
    warnings.push('account: expected an object, read as its campaign_id')
    return { fields: new Map([...withoutType(root), ['campaignid', written]]), prefix: '' }
  }
  if (!root.has('campaignid') && !root.has('id')) return undefined
  warnings.push('account: expected an object, read its fields beside the type')
  return { fields: withoutType(root), prefix: '' }
}

/** The type beside the fields is the event's, not the provider's. */
function withoutType(root: Fields): Fields {
  return new Map([...root].filter(([name]) => name !== 'type'))
}

function accountIn(wrapper: unknown): object | undefined {
  const object = toObject(wrapper)
  if (object === undefined) return undefined
  const fields = findFields(object)
  return toObject(fields.get('account')) ?? (fields.has('campaignid') || fields.has('id') ? object : undefined)
}

/** An object, or what stands for one. */
function toObject(value: unknown): object | undefined {
  if (isObject(value)) return value
  const inner = unwrapValue(value)
  return isObject(inner) ? inner : undefined
}

/** `id` at the root of a payload with an account could be an event's: only a `campaign_id` there is the mailbox's. */
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

/** Null and absent both mean: this event does not say. */
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

/** The first of the fields that can be read; `names` maps what to look for to how it is documented. */
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
    issues: [{ code: 'unhandled_type', path: ['type'], message: `no schema knows the type "${name}"` }],
  }
}
