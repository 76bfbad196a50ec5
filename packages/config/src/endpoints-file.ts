import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { createAddressList, isAddressRange } from './address-list.ts'
import { EndpointCrm } from './crm-fields.ts'
import { KeyOrDigest } from './endpoint-key.ts'
import type { Endpoint, LocatedCrm, LocatedMailivery } from './endpoints.ts'
import { EndpointMailivery } from './mailivery-fields.ts'
import { EnvError } from './parse-env.ts'
import { readTextFile } from './read-text-file.ts'
import { parseYaml, type YamlFile } from './parse-yaml.ts'

// Enough for a hundred thousand owners.
const maxFileBytes = 32 * 1024 ** 2

const Owner = z
  .string({ error: 'must be a string: put it in quotes' })
  .min(1, 'must not be empty')
  .max(100, 'must be at most 100 characters')
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must not contain control characters or other invisible characters')
  .refine((owner) => owner === owner.trim(), 'must not begin or end with white space')

const Range = z.string().refine(isAddressRange, 'must be an IP address or a CIDR range such as 203.0.113.0/24')

/** Strict, so that a setting unknown to this version is not silently ignored. */
function fileOf(sources: readonly string[]) {
  const Entry = z.strictObject({
    owner: Owner,
    source: z
      .string()
      .default('mailivery')
      .refine((source) => sources.includes(source), `must be a known source: ${sources.join(', ')}`),
    keys: z.array(KeyOrDigest).min(1, 'must contain a key').max(2, 'must contain at most two keys'),
    allow: z.array(Range).min(1, 'must not be empty: omit it to accept every address').optional(),
    crm: EndpointCrm.optional(),
    mailivery: EndpointMailivery.optional(),
  })
  return z.strictObject({ endpoints: z.array(Entry).min(1, 'must contain an endpoint') })
}

/**
 * Reads ENDPOINTS_FILE (YAML).
 *
 * @param sources the names of all known senders
 * @throws EnvError listing every problem with its line; none quotes the file, which holds live keys
 */
export function readEndpointsFile(path: string, sources: readonly string[]): readonly Endpoint[] {
  const file = readTextFile(path, maxFileBytes)
  // Not quoted: it may be the content, set by mistake instead of the path.
  if (!file.ok) throw new EnvError([`ENDPOINTS_FILE refers to a file that ${file.problem}`])
  const yaml = parseYaml(file.text)
  if (!yaml.ok) throw new EnvError(yaml.problems.map(({ line, reason }) => toProblem(line, reason)))
  const parsed = fileOf(sources).safeParse(yaml.value)
  const problems = [
    ...(parsed.error?.issues ?? []).map((issue) => toProblem(yaml.lineOf(toPath(issue)), describeIssue(issue))),
    ...findDuplicates(yaml),
  ]
  if (!parsed.success || problems.length > 0) throw new EnvError(problems)
  return parsed.data.endpoints.map(({ owner, source, keys, allow, crm, mailivery }, index) => ({
    owner,
    source,
    keyDigests: keys.map(({ digest }) => digest),
    allow: allow && createAddressList(allow),
    shownKey: keys.find(({ clear }) => clear !== undefined)?.clear,
    crm: crm && locateCrm(crm, path, yaml.lineOf(['endpoints', index, 'crm'])),
    mailivery: mailivery && locateMailivery(mailivery, path, yaml.lineOf(['endpoints', index, 'mailivery'])),
  }))
}

function locateCrm(crm: EndpointCrm, path: string, line: number): LocatedCrm {
  const mapping = crm.mapping === undefined ? {} : { mapping: toAbsolute(crm.mapping, path) }
  return { ...crm, ...mapping, tokenFile: toAbsolute(crm.tokenFile, path), place: toPlace(line) }
}

function locateMailivery(mailivery: EndpointMailivery, path: string, line: number): LocatedMailivery {
  return { ...mailivery, apiKeyFile: toAbsolute(mailivery.apiKeyFile, path), place: toPlace(line) }
}

/** The path of a file that is named in another one. */
function toAbsolute(file: string, path: string): string {
  return resolve(dirname(path), file)
}

/** The readable parts of a file with other problems, so that duplicates are reported together with them. */
const LooseFile = z.object({
  endpoints: z.array(
    z
      .object({
        owner: z.string().optional().catch(undefined),
        source: z.string().catch('mailivery'),
        keys: z.array(KeyOrDigest.optional().catch(undefined)).catch([]),
      })
      .catch({ owner: undefined, source: '', keys: [] }),
  ),
})

function findDuplicates({ value, lineOf }: YamlFile): readonly string[] {
  const problems: string[] = []
  const lineOfKey = new Map<string, number>()
  const lineOfOwner = new Map<string, number>()
  const note = (seen: Map<string, number>, id: string, path: readonly PropertyKey[], what: string): void => {
    const line = lineOf(path)
    const first = seen.get(id)
    if (first === undefined) seen.set(id, line)
    else problems.push(toProblem(line, `${what} of line ${first}`))
  }
  for (const [index, { owner, source, keys }] of (LooseFile.safeParse(value).data?.endpoints ?? []).entries()) {
    const path = ['endpoints', index]
    if (owner !== undefined)
      note(
        lineOfOwner,
        JSON.stringify([owner, source]),
        [...path, 'owner'],
        'has the same owner and source as the entry',
      )
    for (const [position, key] of keys.entries()) {
      if (key !== undefined) note(lineOfKey, key.digest, [...path, 'keys', position], 'repeats the key')
    }
  }
  return problems
}

/** The line of an unknown setting is that of its name. */
function toPath(issue: z.core.$ZodIssue): readonly PropertyKey[] {
  const [unknown] = issue.code === 'unrecognized_keys' ? issue.keys : []
  return unknown === undefined ? issue.path : [...issue.path, unknown]
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  if (issue.code === 'unrecognized_keys') return `${place.slice(1) || 'the file'} has ${describeUnknown(issue.keys)}`
  return `${place.slice(1) || 'the file'} ${issue.message}`
}

/** A long name may be a key in the wrong place, so it is not quoted. */
function describeUnknown(names: readonly string[]): string {
  return names
    .map((name) => (/^\w{1,20}$/.test(name) ? `the unknown setting ${name}` : 'an unknown setting'))
    .join(', ')
}

function toProblem(line: number, reason: string): string {
  return `${toPlace(line)}: ${reason}`
}

function toPlace(line: number): string {
  return `ENDPOINTS_FILE, line ${line}`
}
