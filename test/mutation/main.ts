import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { localRedis } from '@warmhook/testing/local-redis'
import { startLocalPostgres } from '@warmhook/testing/local-postgres'
import { Command, InvalidArgumentError } from 'commander'
import { readModuleGraph } from '../architecture/module-graph.ts'
import { createRandom } from '../chaos/random.ts'
import { reasonForEquivalence } from './equivalent-mutants.ts'
import { describeMutant, type Mutant } from './mutant.ts'
import { mutantsOf } from './mutants-of.ts'
import { openLane, type Lane, type MutantResult } from './open-lane.ts'
import { selectTests } from './select-tests.ts'

const root = join(import.meta.dirname, '..', '..')
const mutated =
  /^(packages\/(batching|queue|schema|store|handlers)|apps\/(ingress|worker))\/src\/(?!.*(fixtures\/|\.test\.ts$|migrations\/))/

await new Command('mutation')
  .description('Mutates the code in one place at a time, and reports the mutants that no test detects.')
  .option('--sample <n>', 'number of mutants to try, drawn at random; all by default', toNumber)
  .option('--seed <n>', 'repeat the sample of an earlier run', toNumber)
  .option('--only <text>', 'only files whose path contains this text', '')
  .option('--lanes <n>', 'number of project copies to test in parallel', toNumber, 2)
  .option('--least <percent>', 'exit with code 1 below this score', toNumber, 85)
  .option('--json', 'print the result as JSON')
  .action(run)
  .parseAsync()

interface Options {
  readonly sample?: number
  readonly seed?: number
  readonly only: string
  readonly lanes: number
  readonly least: number
  readonly json?: boolean
}

interface Tried {
  readonly mutant: Mutant
  readonly words: string
  readonly result: MutantResult
}

async function run({ sample, only, lanes, least, json, ...options }: Options): Promise<void> {
  const seed = options.seed ?? Date.now() % 2 ** 32
  const graph = await readModuleGraph(root)
  const texts = new Map<string, string>()
  for (const path of graph.files.filter((file) => mutated.test(file) && file.includes(only)))
    texts.set(path, await readFile(join(root, path), 'utf8'))
  const all = [...texts].flatMap(([path, text]) => mutantsOf(path, text))
  const wordsOf = (mutant: Mutant): string => describeMutant(texts.get(mutant.path) ?? '', mutant)
  const tried = draw(
    all.filter((mutant) => reasonForEquivalence(wordsOf(mutant)) === undefined),
    sample,
    seed,
  )
  process.stderr.write(`${tried.length} of ${all.length} mutants in ${texts.size} files, seed ${seed}\n`)

  await using redis = await localRedis.start()
  await using postgres = await startLocalPostgres({ fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' })
  if (redis === undefined) throw new Error('no Redis server found')
  const env = { ...process.env, TEST_REDIS_URL: redis.url, TEST_DATABASE_URL: postgres.url }
  const results: Tried[] = []
  const queue = tried.values()
  const work = async (lane: Lane): Promise<void> => {
    for (const mutant of queue) {
      const words = wordsOf(mutant)
      const result = await lane.run(mutant, selectTests(mutant.path, graph))
      results.push({ mutant, words, result })
      process.stderr.write(`${results.length}/${tried.length} ${result.padEnd(8)} ${words}\n`)
    }
  }
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      await using lane = await openLane(root, env)
      await work(lane)
    }),
  )
  report(results, { seed, json: json === true, least })
}

/** A random sample over all files. */
function draw(mutants: readonly Mutant[], sample: number | undefined, seed: number): readonly Mutant[] {
  if (sample === undefined || sample >= mutants.length) return mutants
  const random = createRandom(seed)
  const keyed = mutants.map((mutant) => ({ mutant, key: random.between(0, 2 ** 31) }))
  return keyed
    .toSorted((a, b) => a.key - b.key)
    .slice(0, sample)
    .map(({ mutant }) => mutant)
}

function report(
  results: readonly Tried[],
  { seed, json, least }: { readonly seed: number; readonly json: boolean; readonly least: number },
): void {
  const killed = results.filter(({ result }) => result === 'killed').length
  const score = results.length === 0 ? 100 : (100 * killed) / results.length
  const survivors = results.filter(({ result }) => result !== 'killed').map(({ words }) => words)
  if (json) process.stdout.write(`${JSON.stringify({ seed, tried: results.length, killed, score, survivors })}\n`)
  else {
    process.stdout.write(`${survivors.toSorted().join('\n')}\n`)
    process.stdout.write(`${killed} of ${results.length} mutants were detected (${score.toFixed(1)} %), seed ${seed}\n`)
  }
  if (score < least) process.exitCode = 1
}

function toNumber(text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new InvalidArgumentError('must be a number greater than 0')
  return number
}
