import { readTextFile } from './read-text-file.ts'

/** A variable's value, or why it has none that could be used. */
export type Variable =
  | { readonly status: 'set'; readonly value: string }
  | { readonly status: 'unset' }
  | { readonly status: 'invalid'; readonly problem: string }

// A certificate chain or a list of tokens is far below it.
const maxFileBytes = 65_536

/**
 * Reads `NAME`, or the file that `NAME_FILE` names. An empty variable counts as unset. Surrounding white space, line ends
 * and a byte order mark are no part of a value: editors and shells add them.
 */
export function readVariable(name: string, env: NodeJS.ProcessEnv): Variable {
  const value = env[name] ?? ''
  const file = env[`${name}_FILE`] ?? ''
  if (value !== '' && file !== '') return invalid(`${name} and ${name}_FILE are both set: unset one of them`)
  if (value !== '') return toVariable(name, value)
  return file === '' ? { status: 'unset' } : readFileOf(name, file)
}

function readFileOf(name: string, file: string): Variable {
  // The path is not quoted: it may be the secret itself, set by mistake.
  const read = readTextFile(file.trim(), maxFileBytes)
  if (!read.ok) return invalid(`${name}_FILE names a file that ${read.problem}`)
  if (read.text.trim() === '') return invalid(`${name}_FILE names a file that is empty`)
  return toVariable(name, read.text)
}

function toVariable(name: string, raw: string): Variable {
  // `trim` takes a byte order mark (U+FEFF) as white space.
  const value = raw.trim()
  if (value === '') return invalid(`${name} holds white space only: set it to a value, or unset it`)
  if (hidden.test(value)) return invalid(`${name} holds a line break or another invisible character`)
  return { status: 'set', value }
}

// Control characters, format characters such as a zero-width space, line and paragraph separators.
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/u

function invalid(problem: string): Variable {
  return { status: 'invalid', problem }
}
