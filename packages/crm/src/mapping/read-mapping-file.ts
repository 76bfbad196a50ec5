import { EnvError } from '@warmhook/config/parse-env'
import { parseYaml, type YamlFile } from '@warmhook/config/parse-yaml'
import { readTextFile } from '@warmhook/config/read-text-file'
import type { CrmProviderKind } from '../crm-provider.ts'
import { campaignUrlProblem } from './campaign-url-problem.ts'
import type { MappedProperty, Mapping } from './mapping.ts'
import { parseMappingEntry, toMap, type EntryProblem } from './parse-mapping-entry.ts'

const maxFileBytes = 1024 ** 2

type Kind = Pick<CrmProviderKind, 'label' | 'ownProperties'>

/**
 * Reads CRM_MAPPING_FILE (YAML).
 *
 * @throws EnvError listing every problem with its line
 */
export function readMappingFile(path: string, providerKind: Kind): Mapping {
  const file = readTextFile(path, maxFileBytes)
  // Not quoted: it may be the content, set by mistake instead of the path.
  if (!file.ok) throw new EnvError([`CRM_MAPPING_FILE refers to a file that ${file.problem}`])
  const yaml = parseYaml(file.text)
  if (!yaml.ok) throw new EnvError(yaml.problems.map(({ line, reason }) => toMessage(line, reason)))
  const { properties, campaignUrl, problems } = readSettings(yaml, providerKind)
  if (problems.length > 0)
    throw new EnvError(
      problems
        .map((problem) => ({ ...problem, line: yaml.keyLineOf(problem.path) }))
        .toSorted((one, other) => one.line - other.line)
        .map(({ line, path: place, reason }) => toMessage(line, `${describe(place)} ${reason}`)),
    )
  return { properties, campaignUrl }
}

interface Settings extends Mapping {
  readonly problems: readonly EntryProblem[]
}

function readSettings(yaml: YamlFile, kind: Kind): Settings {
  const settings = toMap(yaml.value)
  if (settings === undefined) return failed([{ path: [], reason: 'must be a map with properties' }])
  const { campaignUrl, properties: entries, ...unknown } = settings
  const urlProblem = campaignUrl === undefined ? undefined : campaignUrlProblem(campaignUrl)
  const hasUrl = campaignUrl !== undefined
  const { properties, problems } = readProperties(entries, hasUrl, yaml, kind)
  return {
    properties,
    campaignUrl: typeof campaignUrl === 'string' ? campaignUrl : undefined,
    problems: [
      ...Object.keys(unknown).map((name) => ({ path: [name], reason: 'is an unknown setting' })),
      ...(urlProblem === undefined ? [] : [{ path: ['campaignUrl'], reason: urlProblem }]),
      ...problems,
    ],
  }
}

function readProperties(value: unknown, hasUrl: boolean, yaml: YamlFile, kind: Kind): Omit<Settings, 'campaignUrl'> {
  const entries = Object.entries(toMap(value) ?? {})
  if (entries.length === 0)
    return failed([{ path: ['properties'], reason: 'must be a map with at least one property' }])
  const properties: MappedProperty[] = []
  const problems: EntryProblem[] = []
  for (const [name, entry] of entries) {
    const path = ['properties', name]
    const read = parseMappingEntry(name, entry)
    problems.push(...nameProblems(name, kind).map((reason) => ({ path, reason })))
    if (!read.ok) problems.push(...read.problems.map((each) => ({ ...each, path: [...path, ...each.path] })))
    else if (needsUrl(read.mapped) && !hasUrl)
      problems.push({ path, reason: 'needs the template campaignUrl at the top of the file' })
    if (read.ok) properties.push(read.mapped)
  }
  return { properties, problems: [...problems, ...findDuplicates(properties, yaml)] }
}

function nameProblems(name: string, { label, ownProperties }: Kind): readonly string[] {
  if (!/^[a-z][a-z0-9_]{0,99}$/.test(name))
    return ['must have a name of lower-case letters, digits and underscores that starts with a letter (at most 100)']
  return ownProperties.test(name) ? [`belongs to ${label}; Warmhook only writes properties of its own`] : []
}

function needsUrl({ source }: MappedProperty): boolean {
  return source.kind === 'field' && source.field === 'campaignUrl'
}

/** Pipedrive's fields are found by their labels, which people also tell properties apart by. */
function findDuplicates(properties: readonly MappedProperty[], { keyLineOf }: YamlFile): readonly EntryProblem[] {
  const lines = new Map<string, number>()
  return properties.flatMap(({ property: { name, label } }) => {
    const path = ['properties', name, 'label']
    const first = lines.get(label.toLowerCase())
    if (first === undefined) lines.set(label.toLowerCase(), keyLineOf(path))
    return first === undefined ? [] : [{ path, reason: `is the same as that of line ${first}: set another` }]
  })
}

function failed(problems: readonly EntryProblem[]): Settings {
  return { properties: [], campaignUrl: undefined, problems }
}

/** A long name may be something else in the wrong place, so it is not quoted. */
function describe(path: readonly string[]): string {
  if (path.length === 0) return 'the file'
  return path.map((name) => (/^\w{1,40}$/.test(name) ? name : '…')).join('.')
}

function toMessage(line: number, reason: string): string {
  return `CRM_MAPPING_FILE, line ${line}: ${reason}`
}
