import { z } from 'zod'
import type { CrmProperty } from '../crm-provider.ts'
import { fieldDescriptions } from './default-mapping.ts'
import type { ContactField, MappedProperty } from './mapping.ts'

/** What is wrong with an entry: the place within it, and the end of a sentence that starts with the place. */
export interface EntryProblem {
  readonly path: readonly string[]
  readonly reason: string
}

export type EntryResult =
  | { readonly ok: true; readonly mapped: MappedProperty }
  | { readonly ok: false; readonly problems: readonly EntryProblem[] }

const fields = Object.keys(fieldDescriptions) as ContactField[]
const timeFields = fields.filter((field) => fieldDescriptions[field].type === 'datetime')
const statuses = fieldDescriptions.status.options

const noText = 'must be text: put it in quotes'
const words = (max: number) =>
  z
    .string({ error: noText })
    .trim()
    .min(1, 'must not be empty')
    .max(max, `must be at most ${max} characters`)
    .regex(/^\P{Cc}*$/u, 'must be on one line, without control characters')

/** Strict, so that a setting unknown to this version is not silently ignored. */
const Entry = z.strictObject({
  from: z.enum(fields, { error: `must be a field: ${fields.join(', ')}` }).optional(),
  constant: z
    .union([words(1_000), z.number()], { error: 'must be text of 1 to 1000 characters, or a number' })
    .optional(),
  values: z.record(z.string(), words(100), { error: 'must be a map from values of the field to others' }).optional(),
  label: words(100).optional(),
  description: words(500).optional(),
  type: z
    .enum(['text', 'datetime', 'number', 'choice'], { error: 'must be text, datetime, number or choice' })
    .optional(),
})
type Entry = z.infer<typeof Entry>

/** Reads one property of a mapping file: the name of a field, or a map of settings. */
export function parseMappingEntry(name: string, value: unknown): EntryResult {
  const isShort = typeof value === 'string'
  if (!isShort && toMap(value) === undefined)
    return failed([{ path: [], reason: `must be a field, or a map with from or constant` }])
  const parsed = Entry.safeParse(isShort ? { from: value } : value)
  const issues = (parsed.error?.issues ?? []).flatMap((issue) => toProblems(issue, isShort))
  return parsed.success ? toMapped(name, parsed.data) : failed(issues)
}

function toMapped(name: string, { from, constant, values, ...given }: Entry): EntryResult {
  if (from !== undefined && constant === undefined) return toField(name, from, values, given)
  if (from !== undefined) return failed([{ path: ['constant'], reason: 'cannot be combined with from' }])
  if (constant === undefined) return failed([{ path: [], reason: 'needs from or constant' }])
  if (values !== undefined) return failed([{ path: ['values'], reason: 'needs from' }])
  return toConstant(name, constant, given)
}

type Given = Pick<Entry, 'label' | 'description' | 'type'>

function toConstant(name: string, constant: string | number, given: Given): EntryResult {
  const { label = readable(name), description = 'The same for every contact', type = 'text' } = given
  if (type === 'choice') return failed([{ path: ['type'], reason: choiceNeeds }])
  if (type === 'datetime') return failed([{ path: ['type'], reason: datetimeNeeds }])
  if (type === 'number' && typeof constant !== 'number')
    return failed([{ path: ['type'], reason: 'number needs a number' }])
  const value = type === 'number' ? constant : String(constant)
  return {
    ok: true,
    mapped: { property: { name, label, description, type, options: [] }, source: { kind: 'constant', value } },
  }
}

function toField(name: string, field: ContactField, translations: Entry['values'], given: Given): EntryResult {
  const defaults = fieldDescriptions[field]
  const values = new Map(Object.entries(translations ?? {}))
  const type = given.type ?? defaults.type
  const problems = [...valueProblems(field, translations), ...typeProblems(field, type, values)]
  if (problems.length > 0) return failed(problems)
  const property: CrmProperty = {
    name,
    // Translated values often accompany the plain ones, and labels must differ.
    label: given.label ?? (values.size > 0 ? readable(name) : defaults.label),
    description: given.description ?? defaults.description,
    type,
    options: type === 'choice' ? optionsOf(field, values) : [],
  }
  return { ok: true, mapped: { property, source: { kind: 'field', field, values } } }
}

function valueProblems(field: ContactField, values: Entry['values']): readonly EntryProblem[] {
  if (values === undefined) return []
  if (Object.keys(values).length === 0) return [{ path: ['values'], reason: 'must contain a value' }]
  if (timeFields.includes(field)) return [{ path: ['values'], reason: 'cannot translate a time' }]
  const unknown = field === 'status' ? Object.keys(values).filter((each) => !statuses.includes(each)) : []
  return unknown.map((each) => ({ path: ['values', each], reason: `is not a status: ${statuses.join(', ')}` }))
}

const datetimeNeeds = `datetime needs a field that is a time: ${timeFields.join(', ')}`
const choiceNeeds = 'choice needs the field status, or values'

function typeProblems(
  field: ContactField,
  type: CrmProperty['type'],
  values: ReadonlyMap<string, string>,
): readonly EntryProblem[] {
  const isTime = timeFields.includes(field)
  const fits = {
    datetime: isTime,
    choice: field === 'status' || values.size > 0,
    number: isTime || (field === 'campaignId' && values.size === 0),
    text: !isTime,
  }
  const needs = {
    datetime: datetimeNeeds,
    choice: choiceNeeds,
    number: 'number needs a field that is a number or a time, without values',
    text: 'text does not fit a time: use datetime or number',
  }
  return fits[type] ? [] : [{ path: ['type'], reason: needs[type] }]
}

/** Every status is an option, also those that are not translated. */
function optionsOf(field: ContactField, values: ReadonlyMap<string, string>): readonly string[] {
  const all = field === 'status' ? statuses.map((status) => values.get(status) ?? status) : values.values()
  return [...new Set(all)]
}

/** `mailivery_source` as `Mailivery source`. */
function readable(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1).replaceAll('_', ' ')}`
}

/** A YAML map; undefined for anything else. */
export function toMap(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}

function toProblems(issue: z.core.$ZodIssue, isShort: boolean): readonly EntryProblem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [key], reason: 'is an unknown setting' }))
  return [{ path: isShort ? [] : issue.path.map(String), reason: issue.message }]
}

function failed(problems: readonly EntryProblem[]): EntryResult {
  return { ok: false, problems }
}
