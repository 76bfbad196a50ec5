import { isEmailAddress } from '../../email-address.ts'
import { isArray, isObject, parseJson } from './json-value.ts'

/** Receives a warning about a field that is not as documented. It must not contain the field's value. */
export type Warn = (problem: string) => void

/** In characters. Longer text is cut; the raw body keeps all of it. */
const maxText = 1_000
const maxLongText = 8_000
const maxTags = 500
const maxTagDepth = 5

/** A whole number, or its digits in a string. */
export function readId(value: unknown, warn: Warn): number | undefined {
  const plain = unwrap(value, warn)
  const number = typeof plain === 'string' && /^\s*\+?\d{1,16}(\.0*)?\s*$/.test(plain) ? Number(plain) : plain
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number + 0
  warn('is not a whole number')
  return undefined
}

export function readText(value: unknown, warn: Warn): string | undefined {
  const plain = unwrap(value, warn)
  if (typeof plain === 'string') return toStorable(plain, maxText, warn)
  if (typeof plain !== 'number') return ignore(warn)
  warn('expected text, read a number as text')
  return String(plain)
}

/** The first address, if there are several texts. */
export function readEmail(value: unknown, warn: Warn): string | undefined {
  if (!isArray(value) || value.length < 2) return readText(value, warn)
  const address = value.find((item) => typeof item === 'string' && isEmailAddress(item))
  if (typeof address !== 'string') return ignore(warn)
  warn('expected text, read the first address of an array')
  return toStorable(address, maxText, warn)
}

/** Text as is; other values as JSON text. */
export function readJsonText(value: unknown, warn: Warn): string | undefined {
  if (typeof value === 'string') return toStorable(value, maxLongText, warn)
  warn('expected text, read as JSON text')
  return toStorable(toJson(value), maxLongText, warn)
}

/** Several texts are joined with commas. */
export function readReason(value: unknown, warn: Warn): string | undefined {
  const plain = unwrap(value, warn)
  if (typeof plain === 'boolean') return ignore(warn)
  if (!isArray(plain)) return readJsonText(plain, warn)
  if (plain.length === 0) return ignore(warn)
  if (!plain.every((item) => typeof item === 'string')) return readJsonText(plain, warn)
  warn('expected text, joined an array of text')
  return toStorable(plain.join(', '), maxLongText, warn)
}

/** A list of texts, from any value that clearly represents one. Undefined if nothing in it can be read. */
export function readTags(value: unknown, warn: Warn): readonly string[] | undefined {
  const list = toTagList(value, warn)
  if (list === undefined) return ignore(warn)
  const items = list.length <= maxTags && list.every(isTag) ? list : sift(list, warn)
  if (items.length === 0 && list.length > 0) return undefined
  return items.map((tag) => toStorable(tag, maxText, warn))
}

function toTagList(value: unknown, warn: Warn): readonly unknown[] | undefined {
  if (isArray(value)) return value
  if (typeof value === 'number') {
    warn('expected an array of text, read a number as the only tag')
    return [value]
  }
  if (isObject(value)) {
    warn("expected an array of text, read an object's values")
    return Object.values(value)
  }
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const parsed = /^\s*[[{]/.test(value) ? parseJson(value) : undefined
  if (isArray(parsed) || isObject(parsed)) {
    warn('expected an array of text, read JSON from text')
    return isArray(parsed) ? parsed : Object.values(parsed)
  }
  warn('expected an array of text, read as a comma-separated list')
  return value.split(',').map((tag) => tag.trim())
}

function isTag(item: unknown): item is string {
  return typeof item === 'string' && item.trim() !== ''
}

/** The items that can be read as tags, from a list that also contains other items. */
function sift(list: readonly unknown[], warn: Warn): readonly string[] {
  // Not flat(Infinity): a hostile list can nest deeper than the stack.
  const items: readonly unknown[] = list.flat(maxTagDepth)
  const tags = items.slice(0, maxTags).flatMap(toTags)
  warn(
    tags.length < items.length
      ? 'expected an array of text, ignored other items'
      : 'expected an array of text, read its items as text',
  )
  return tags
}

function toTags(item: unknown): readonly string[] {
  if (isTag(item)) return [item]
  if (typeof item === 'number') return [String(item)]
  if (!isObject(item)) return []
  // `{ "name": "x" }`, possibly with other keys.
  const entries = Object.entries(item)
  const [, named] = entries.find(([key]) => /^(name|tag|label|title|value|text)$/i.test(key)) ?? []
  return typeof named === 'object' ? [] : toTags(named)
}

/** An array with one item is read as that item. */
function unwrap(value: unknown, warn: Warn): unknown {
  if (!isArray(value) || value.length !== 1) return value
  const [only] = value
  if (typeof only === 'object') return value
  warn('expected a single value, read the only item of an array')
  return only
}

function ignore(warn: Warn): undefined {
  warn('has an unexpected shape, ignored')
  return undefined
}

/** Postgres text cannot contain NUL or a lone surrogate; the raw body keeps both. */
function toStorable(text: string, maxLength: number, warn: Warn): string {
  if (text.length > maxLength) warn(`cut to ${maxLength} characters`)
  const short = text.length > maxLength ? text.slice(0, maxLength) : text
  return short.replaceAll('\0', '\uFFFD').toWellFormed()
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    // Nested deeper than the stack.
    return ''
  }
}
