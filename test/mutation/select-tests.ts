import type { ModuleGraph } from '../architecture/module-graph.ts'

/** Tests to run for a mutated file, in rounds: the next round runs only if the previous one detected nothing. */
export type TestRounds = readonly (readonly string[])[]

/** Modules that start whole processes: tests that use them cover files that they do not import. */
const processStarters = ['packages/testing/src/spawn-app.ts', 'test/support/start-installation.ts']
/** Tests that wait for timeouts or load the machine for minutes. Outages are left to the chaos run. */
const tooLong = /chaos|standalone|image|setup|settings|logs|private-redis|silent-connections|lost-work|stop-in-outage/
/** A file that many modules import is tested by the nearest tests; distant tests detect its mutants only by chance. */
const nearest = 3
const near = 10

/**
 * The tests that import a file, directly or indirectly, nearest first; then, for an app, those that start its process.
 */
export function selectTests(path: string, graph: Pick<ModuleGraph, 'edges'>): TestRounds {
  const importing = testsByDistance(path, graph).filter((test) => !tooLong.test(test))
  const starting = processTests(graph).filter((test) => !tooLong.test(test) && !importing.includes(test))
  // Most mutants are detected by the test of their own file.
  const rounds = [
    importing.slice(0, 1),
    importing.slice(1, nearest),
    importing.slice(nearest, near),
    path.startsWith('apps/') ? starting : [],
  ]
  return rounds.filter((round) => round.length > 0)
}

function testsByDistance(path: string, { edges }: Pick<ModuleGraph, 'edges'>): readonly string[] {
  const importersOf = Map.groupBy(edges, ({ to }) => to)
  const seen = new Set([path])
  for (const file of seen) for (const { from } of importersOf.get(file) ?? []) seen.add(from)
  const own = path.replace(/\.ts$/, '.test.ts')
  const tests = [...seen].filter(isTest)
  return tests.includes(own) ? [own, ...tests.filter((test) => test !== own)] : tests
}

function processTests({ edges }: Pick<ModuleGraph, 'edges'>): readonly string[] {
  const tests = edges.filter(({ from, to }) => isTest(from) && processStarters.includes(to)).map(({ from }) => from)
  return [...new Set(tests)]
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts')
}
