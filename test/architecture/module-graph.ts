import { glob, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { parseSync } from 'oxc-parser'

/** One import, re-export or dynamic import of a module in this repository. Paths are relative to its root. */
export interface ImportEdge {
  readonly from: string
  readonly to: string
  /** As written in the source. */
  readonly specifier: string
}

export interface ModuleGraph {
  readonly files: readonly string[]
  readonly edges: readonly ImportEdge[]
  /** Files with an `export * from`. */
  readonly starExports: readonly string[]
  /** Unresolved internal imports: no such file, or not in the package's `exports`. */
  readonly broken: readonly string[]
}

type Exports = ReadonlyMap<string, string>

/** Reads the imports of every source file in the monorepo, including type imports. */
export async function readModuleGraph(root: string): Promise<ModuleGraph> {
  const files = (
    await Array.fromAsync(glob(['{apps,packages}/*/src/**/*.{ts,tsx}', 'test/**/*.ts', '*.config.ts'], { cwd: root }))
  ).toSorted()
  const known = new Set(files)
  const exported = await readExports(root)
  const edges: ImportEdge[] = []
  const starExports: string[] = []
  const broken: string[] = []
  for (const from of files) {
    const { specifiers, hasStarExport } = readModule(from, await readFile(join(root, from), 'utf8'))
    if (hasStarExport) starExports.push(from)
    for (const specifier of specifiers.filter(isOurs)) {
      const to = specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : exported.get(specifier)
      if (to !== undefined && known.has(to)) edges.push({ from, to, specifier })
      else broken.push(`${from} imports ${specifier}`)
    }
  }
  return { files, edges, starExports, broken }
}

function isOurs(specifier: string): boolean {
  return specifier.startsWith('.') || specifier.startsWith('@warmhook/')
}

function readModule(path: string, text: string) {
  const { staticImports, staticExports, dynamicImports } = parseSync(path, text).module
  const reexports = staticExports
    .flatMap(({ entries }) => entries)
    .filter(({ moduleRequest }) => moduleRequest !== null)
  const specifiers = [
    ...staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...reexports.map(({ moduleRequest }) => moduleRequest?.value ?? ''),
    ...dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1)),
  ]
  // The parser declares an enum here, which type stripping does not support; its values are strings.
  const kinds: readonly string[] = reexports.map(({ importName }) => importName.kind)
  return { specifiers, hasStarExport: kinds.includes('AllButDefault') }
}

/** The exports of each workspace's package.json: specifier → file. */
async function readExports(root: string): Promise<Exports> {
  const exported = new Map<string, string>()
  for await (const manifestPath of glob('{apps,packages}/*/package.json', { cwd: root })) {
    const manifest: unknown = JSON.parse(await readFile(join(root, manifestPath), 'utf8'))
    for (const [subpath, target] of toEntries(manifest, 'exports')) {
      exported.set(join(nameOf(manifest), subpath), join(dirname(manifestPath), target))
    }
  }
  return exported
}

function toEntries(manifest: unknown, field: string): readonly (readonly [string, string])[] {
  const entries = isRecord(manifest) && isRecord(manifest[field]) ? Object.entries(manifest[field]) : []
  return entries.flatMap(([key, value]) => (typeof value === 'string' ? [[key, value] as const] : []))
}

function nameOf(manifest: unknown): string {
  return isRecord(manifest) && typeof manifest.name === 'string' ? manifest.name : ''
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
