import { readFileSync, statSync } from 'node:fs'

/** A file's text, or the problem, as the end of a sentence that starts with the file. */
export type TextFile = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string }

/** Reads a regular file of UTF-8 text, without its byte order mark. Problems never quote the content. */
export function readTextFile(path: string, maxBytes: number): TextFile {
  try {
    const stats = statSync(path)
    if (stats.isDirectory()) return { ok: false, problem: 'is a directory' }
    // Reading a pipe or a device could block startup forever.
    if (!stats.isFile()) return { ok: false, problem: 'is not a regular file' }
    if (stats.size > maxBytes) return { ok: false, problem: `is larger than ${maxBytes} bytes` }
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) }
  } catch (error) {
    return { ok: false, problem: error instanceof TypeError ? 'is not UTF-8 text' : describeFileError(error) }
  }
}

/** What is wrong with a path, as the end of a sentence that starts with it. */
export function describeFileError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return reasons.get(code) ?? `cannot be used (${code})`
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'does not exist'],
  ['EACCES', 'is not accessible to this user: check its permissions'],
  ['EPERM', 'is not accessible to this user: check its permissions'],
  ['ENOTDIR', 'is inside something that is not a directory'],
  ['EEXIST', 'is not a directory'],
  ['EROFS', 'is on a read-only file system'],
  ['ENOSPC', 'is on a full disk'],
  ['EDQUOT', 'is over its disk quota'],
  ['ELOOP', 'is a symbolic link to itself'],
  ['ENAMETOOLONG', 'is too long'],
])
