import type { ImportEdge } from './module-graph.ts'

/** All import cycles, as "a → b → a"; one for each edge that closes a cycle. */
export function findCycles(edges: readonly ImportEdge[]): readonly string[] {
  const targets = Map.groupBy(edges, ({ from }) => from)
  const finished = new Set<string>()
  const path: string[] = []
  const cycles: string[] = []
  const visit = (file: string) => {
    if (finished.has(file)) return
    const start = path.indexOf(file)
    if (start >= 0) {
      cycles.push([...path.slice(start), file].join(' → '))
      return
    }
    path.push(file)
    for (const { to } of targets.get(file) ?? []) visit(to)
    path.pop()
    finished.add(file)
  }
  for (const file of targets.keys()) visit(file)
  return cycles
}
