import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** The environment does not fit; the message lists every fault at once, without values. */
export class EnvError extends Error {
  override readonly name = 'EnvError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The settings do not fit:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.problems = problems
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
  const problems: string[] = []
  const values: Record<string, string> = {}
  for (const name of Object.keys(shape)) {
    const value = readVariable(name, env, problems)
    if (value !== undefined) values[name] = value
  }
  const parsed = z.object(shape).safeParse(values)
  if (parsed.success && problems.length === 0) return parsed.data
  const invalid = parsed.success ? [] : parsed.error.issues
  throw new EnvError([...problems, ...invalid.map((issue) => `${issue.path.join('.')} ${toProblem(issue, values)}`)])
}

function readVariable(name: string, env: NodeJS.ProcessEnv, problems: string[]): string | undefined {
  const value = env[name]
  const file = env[`${name}_FILE`]
  if (value !== undefined && value !== '') return value
  if (file === undefined || file === '') return undefined
  try {
    return readFileSync(file, 'utf8').trimEnd()
  } catch (error) {
    problems.push(
      `${name}_FILE names a file that can't be read (${error instanceof Error ? error.message : String(error)})`,
    )
    return undefined
  }
}

function toProblem(issue: z.core.$ZodIssue, values: Readonly<Record<string, string>>): string {
  const name = String(issue.path[0])
  return name in values ? issue.message : 'is not set, and has no default'
}
