import { z } from 'zod'
import { readVariable } from './read-variable.ts'

/** The configuration is invalid; the message lists every problem at once, without values. */
export class EnvError extends Error {
  override readonly name = 'EnvError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const distinct = [...new Set(problems)]
    super(`Invalid configuration:\n${distinct.map((problem) => `  - ${problem}`).join('\n')}`)
    this.problems = distinct
  }
}

/**
 * Reads variables by their fields. An empty variable counts as unset; `NAME_FILE` names a file that holds NAME's value.
 *
 * @throws EnvError listing every problem
 */
export function parseEnv<Fields extends z.core.$ZodLooseShape>(
  shape: Fields,
  env: NodeJS.ProcessEnv,
): z.infer<z.ZodObject<Fields>> {
  const problems = new Map<string, string>()
  const values: Record<string, string> = {}
  for (const name of Object.keys(shape)) {
    const variable = readVariable(name, env)
    if (variable.status === 'set') values[name] = variable.value
    if (variable.status === 'invalid') problems.set(name, variable.problem)
  }
  const parsed = z.object(shape).safeParse(values)
  if (parsed.success && problems.size === 0) return parsed.data
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0])
    const problem = name in values ? issue.message : 'is required'
    if (!problems.has(name)) problems.set(name, `${name} ${problem}`)
  }
  throw new EnvError([...problems.values()])
}

type Reader = () => unknown
type Results<Readers extends readonly Reader[]> = { [Index in keyof Readers]: ReturnType<Readers[Index]> }

/**
 * Runs every reader, even after one has failed, so that one message contains all problems.
 *
 * @throws EnvError listing the problems of all readers
 */
export function parseAll<const Readers extends readonly Reader[]>(...readers: Readers): Results<Readers> {
  const problems: string[] = []
  const results = mapReaders(readers, (read) => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof EnvError)) throw error
      problems.push(...error.problems)
      return undefined
    }
  })
  if (problems.length > 0) throw new EnvError(problems)
  return results
}

/** `run` must return what the reader returns. */
function mapReaders<const Readers extends readonly Reader[]>(readers: Readers, run: (read: Reader) => unknown) {
  return readers.map((read) => run(read)) as Results<Readers>
}
