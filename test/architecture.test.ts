import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { findCycles } from './architecture/find-cycles.ts'
import { whyForbidden } from './architecture/import-rules.ts'
import { type ModuleGraph, readModuleGraph } from './architecture/module-graph.ts'

// Rules about single files (length, default exports, reading process.env) are checked by the linter.
describe('the import graph', () => {
  let graph: ModuleGraph

  beforeAll(async () => {
    graph = await readModuleGraph(join(import.meta.dirname, '..'))
  })

  it('covers the whole code base', () => {
    expect(graph.files.length).toBeGreaterThan(20)
    expect(graph.edges.length).toBeGreaterThan(20)
  })

  it('has no cycle', () => {
    expect(findCycles(graph.edges)).toEqual([])
  })

  it('goes one way between workspaces', () => {
    expect(graph.edges.flatMap((edge) => whyForbidden(edge) ?? [])).toEqual([])
  })

  it('has only imports that exist and that package.json exports', () => {
    expect(graph.broken).toEqual([])
  })

  it('has no export *', () => {
    expect(graph.starExports).toEqual([])
  })
})

describe('findCycles', () => {
  it('reports each cycle once', () => {
    const edges = [toEdge('a', 'b'), toEdge('b', 'c'), toEdge('c', 'b'), toEdge('a', 'c'), toEdge('d', 'd')]
    expect(findCycles(edges)).toEqual(['b → c → b', 'd → d'])
  })
})

describe('whyForbidden', () => {
  it.each([
    ['packages/schema/src/a.ts', 'packages/queue/src/b.ts', '@warmhook/queue/b'],
    ['apps/ingress/src/a.ts', 'apps/worker/src/start-worker.ts', '@warmhook/worker/start-worker'],
    ['apps/standalone/src/a.ts', 'apps/worker/src/app.ts', '@warmhook/worker/app'],
    ['packages/queue/src/a.ts', 'packages/testing/src/eventually.ts', '@warmhook/testing/eventually'],
    ['packages/queue/src/a.ts', 'packages/schema/src/b.ts', '../../schema/src/b.ts'],
    ['packages/new/src/a.ts', 'packages/schema/src/b.ts', '@warmhook/schema/b'],
  ])('forbids %s → %s', (from, to, specifier) => {
    expect(whyForbidden({ from, to, specifier })).toContain(`${from} imports ${specifier}`)
  })

  it.each([
    ['apps/standalone/src/a.ts', 'apps/worker/src/start-worker.ts', '@warmhook/worker/start-worker'],
    ['packages/queue/src/a.test.ts', 'packages/testing/src/eventually.ts', '@warmhook/testing/eventually'],
    ['packages/handlers/src/a.ts', 'packages/store/src/b.ts', '@warmhook/store/b'],
    ['packages/handlers/src/x/a.ts', 'packages/handlers/src/b.ts', '../b.ts'],
  ])('allows %s → %s', (from, to, specifier) => {
    expect(whyForbidden({ from, to, specifier })).toBeUndefined()
  })
})

function toEdge(from: string, to: string) {
  return { from, to, specifier: `./${to}` }
}
