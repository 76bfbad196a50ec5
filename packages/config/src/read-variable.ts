import { readTextFile } from './read-text-file.ts'

/** A variable's value, or why it cannot be used. */
export type Variable =
  | { readonly status: 'set'; readonly value: string }
  | { readonly status: 'unset' }
  | { readonly status: 'invalid'; readonly problem: string }

// Far more than a certificate chain or a list of tokens needs.
const maxFileBytes = 65_536

/**
 * Reads `NAME`, or the file that `NAME_FILE` names. An empty variable counts as unset. Surrounding white space, line breaks
 * and a byte order mark are removed, because editors and shells add them.
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
  if (!read.ok) return invalid(`${name}_FILE refers to a file that ${read.problem}`)
  if (read.text.trim() === '') return invalid(`${name}_FILE refers to a file that is empty`)
  return toVariable(name, read.text)
}

function toVariable(name: string, raw: string): Variable {
  // `trim` takes a byte order mark (U+FEFF) as white space.
  const value = raw.trim()
  if (value === '') return invalid(`${name} contains only white space: set a value, or unset it`)
  if (hidden.test(value)) return invalid(`${name} contains a line break or another invisible character`)
  return { status: 'set', value }
}

// Control characters, format characters such as a zero-width space, line and paragraph separators.
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/u

function invalid(problem: string): Variable {
  return { status: 'invalid', problem }
}
