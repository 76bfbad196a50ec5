import type { ImportEdge } from './module-graph.ts'

const leaves = ['packages/schema', 'packages/batching', 'packages/config', 'packages/telemetry', 'packages/lifecycle']
const allPackages = [
  ...leaves,
  'packages/queue',
  'packages/store',
  'packages/peer',
  'packages/crm',
  'packages/mailivery',
  'packages/reconcile',
  'packages/handlers',
  'packages/ledger',
]

/**
 * Which workspace may import which. A workspace missing from this table fails the test, so that its place is decided
 * first.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'packages/schema': [],
  'packages/config': [],
  'packages/telemetry': [],
  'packages/lifecycle': [],
  'packages/redis-server': ['packages/lifecycle'],
  'packages/batching': [],
  'packages/ledger': [...leaves, 'packages/store'],
  'packages/testing': ['packages/redis-server', 'packages/schema', 'packages/store'],
  'packages/queue': leaves,
  'packages/store': leaves,
  'packages/peer': [...leaves, 'packages/queue', 'packages/store'],
  'packages/crm': [...leaves, 'packages/peer', 'packages/store'],
  'packages/mailivery': [...leaves, 'packages/peer'],
  'packages/reconcile': [...leaves, 'packages/queue', 'packages/store', 'packages/mailivery'],
  'packages/handlers': [
    ...leaves,
    'packages/queue',
    'packages/store',
    'packages/peer',
    'packages/crm',
    'packages/mailivery',
    'packages/reconcile',
  ],
  'apps/ingress': allPackages,
  'apps/worker': allPackages,
  'apps/board': allPackages,
  'apps/cli': allPackages,
  'apps/standalone': [...allPackages, 'packages/redis-server'],
}

/** Why an import between workspaces is forbidden; undefined if it is allowed. */
export function whyForbidden({ from, to, specifier }: ImportEdge): string | undefined {
  const importer = workspaceOf(from)
  const imported = workspaceOf(to)
  if (imported === undefined || importer === imported) return undefined
  const line = `${from} imports ${specifier}`
  if (specifier.startsWith('.')) return `${line}: bypasses the other workspace's exports`
  // Tests and their fixtures may import anything.
  if (importer === undefined || isTest(from)) return undefined
  if (importer === 'apps/standalone' && /^@warmhook\/(ingress|worker|board)\/start-\1$/.test(specifier))
    return undefined
  const allowed = mayImport[importer]
  if (allowed === undefined) return `${line}: ${importer} is not in the table of import-rules.ts`
  return allowed.includes(imported) ? undefined : `${line}: ${importer} may not import ${imported}`
}

/** `apps/x` or `packages/x`; undefined for the tests at the root. */
function workspaceOf(path: string): string | undefined {
  return /^(apps|packages)\/[^/]+/.exec(path)?.[0]
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.includes('/fixtures/')
}
