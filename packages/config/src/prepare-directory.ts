import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { EnvError } from './parse-env.ts'
import { describeFileError } from './read-text-file.ts'

/**
 * Creates the directory that a variable names if it does not exist, and checks that it is writable.
 *
 * @throws EnvError naming the variable
 */
export function prepareDirectory(variable: string, directory: string): void {
  const path = resolve(directory)
  try {
    createLevels(path)
    writeProbe(path)
  } catch (error) {
    throw new EnvError([`${variable} ${JSON.stringify(path)} ${describe(error)}`])
  }
}

/** The file system is full or not writable. */
function writeProbe(directory: string): void {
  const probe = join(directory, `.warmhook-probe-${randomUUID()}`)
  try {
    writeFileSync(probe, Buffer.alloc(4_096), { flag: 'wx', mode: 0o600 })
  } finally {
    rmSync(probe, { force: true })
  }
}

/** Not `recursive`: if a level cannot be created, as in /proc, Node 24 retries forever. */
function createLevels(path: string): void {
  const missing: string[] = []
  let existing = path
  while (!exists(existing)) {
    missing.push(existing)
    existing = dirname(existing)
  }
  for (const level of missing.toReversed()) createLevel(level)
  if (!statSync(path).isDirectory()) throw new CannotCreateError('is not a directory')
}

function createLevel(level: string): void {
  try {
    mkdirSync(level, { mode: 0o700 })
  } catch (error) {
    // Another process may have created it.
    if (exists(level)) return
    const why = hasCode(error, 'EEXIST') ? 'is a symbolic link to nothing' : describeFileError(error)
    throw new CannotCreateError(`cannot be created: ${JSON.stringify(level)} ${why}`)
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

class CannotCreateError extends Error {
  override readonly name = 'CannotCreateError'
}

function describe(error: unknown): string {
  return error instanceof CannotCreateError ? error.message : describeFileError(error)
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
