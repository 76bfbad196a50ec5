import { execFile } from 'node:child_process'
import { delimiter } from 'node:path'
import { promisify } from 'node:util'

export interface RunProgramOptions {
  readonly cwd?: string
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/**
 * Runs an installed program and returns its standard output. PATH is that of a user's shell, without the folders that
 * npm adds for scripts. If the program fails, the error contains its output.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd, env = {}, timeoutMs = 60_000 }: RunProgramOptions = {},
): Promise<string> {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  const { stdout } = await promisify(execFile)(program, args, {
    cwd,
    env: { ...process.env, PATH: path.join(delimiter), ...env },
    timeout: timeoutMs,
    maxBuffer: 64 * 2 ** 20,
  })
  return stdout
}
