import { z } from 'zod'
import { createAddressList, isAddressRange } from './address-list.ts'
import { KeyOrDigest } from './endpoint-key.ts'
import type { Endpoint } from './endpoints.ts'
import { EnvError } from './parse-env.ts'
import { readTextFile } from './read-text-file.ts'
import { parseYaml, type YamlFile } from './parse-yaml.ts'

// A hundred thousand owners; more is not a list of endpoints.
const maxFileBytes = 32 * 1024 ** 2

const Owner = z
  .string({ error: 'must be text: put it in quotes' })
  .min(1, 'must not be empty')
  .max(100, 'must be at most 100 characters')
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must not hold control characters or other invisible ones')
  .refine((owner) => owner === owner.trim(), 'must not begin or end with white space')

const Range = z.string().refine(isAddressRange, 'must be an IP address or a CIDR range such as 203.0.113.0/24')

/** Strict: a setting that this version does not know must not look as if it were in force. */
function fileOf(sources: readonly string[]) {
  const Entry = z.strictObject({
    owner: Owner,
    source: z
      .string()
      .default('mailivery')
      .refine((source) => sources.includes(source), `must be a known source: ${sources.join(', ')}`),
    keys: z.array(KeyOrDigest).min(1, 'must hold a key').max(2, 'must hold two keys at most'),
    allow: z.array(Range).min(1, 'must not be empty: leave it out to let every address in').optional(),
  })
  return z.strictObject({ endpoints: z.array(Entry).min(1, 'must hold an endpoint') })
}

/**
 * Reads ENDPOINTS_FILE (YAML).
 *
 * @param sources the names of all senders that there are
 * @throws EnvError listing every problem with its line; none quotes the file, which holds live keys
 */
export function readEndpointsFile(path: string, sources: readonly string[]): readonly Endpoint[] {
  const file = readTextFile(path, maxFileBytes)
  // Not quoted: somebody may have put the content where the path should be.
  if (!file.ok) throw new EnvError([`ENDPOINTS_FILE names a file that ${file.problem}`])
  const yaml = parseYaml(file.text)
  if (!yaml.ok) throw new EnvError(yaml.problems.map(({ line, reason }) => toProblem(line, reason)))
  const parsed = fileOf(sources).safeParse(yaml.value)
  const problems = [
    ...(parsed.error?.issues ?? []).map((issue) => toProblem(yaml.lineOf(toPath(issue)), describeIssue(issue))),
    ...findDuplicates(yaml),
  ]
  if (!parsed.success || problems.length > 0) throw new EnvError(problems)
  return parsed.data.endpoints.map(({ owner, source, keys, allow }) => ({
    owner,
    source,
    keyDigests: keys.map(({ digest }) => digest),
    allow: allow && createAddressList(allow),
    shownKey: keys.find(({ clear }) => clear !== undefined)?.clear,
  }))
}

/** What can be read of a file that may be wrong elsewhere, so that duplicates are reported along with the rest. */
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

/** An unknown setting is looked for by its own name. */
function toPath(issue: z.core.$ZodIssue): readonly PropertyKey[] {
  const [unknown] = issue.code === 'unrecognized_keys' ? issue.keys : []
  return unknown === undefined ? issue.path : [...issue.path, unknown]
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  if (issue.code === 'unrecognized_keys') return `${place.slice(1) || 'the file'} has ${describeUnknown(issue.keys)}`
  return `${place.slice(1) || 'the file'} ${issue.message}`
}

/** A long name may be a key that stands in the wrong place. */
function describeUnknown(names: readonly string[]): string {
  return names.map((name) => (/^\w{1,20}$/.test(name) ? `no setting ${name}` : 'an unknown setting')).join(', ')
}

function toProblem(line: number, reason: string): string {
  return `ENDPOINTS_FILE, line ${line}: ${reason}`
}
