import { readTextFile } from './read-text-file.ts'
import { Secret } from './secret.ts'

/** A secret, or the problem with its file, as the end of a sentence that starts with the file. */
export type SecretFile =
  | { readonly ok: true; readonly secret: Secret }
  | { readonly ok: false; readonly problem: string }

const maxBytes = 65_536

/** Reads a file that contains nothing but a secret of visible ASCII characters, such as a token. */
export function readSecretFile(path: string): SecretFile {
  const file = readTextFile(path, maxBytes)
  if (!file.ok) return file
  const text = file.text.trim()
  if (text === '') return { ok: false, problem: 'is empty' }
  if (!/^[\x21-\x7e]+$/.test(text)) return { ok: false, problem: 'does not contain a single token' }
  return { ok: true, secret: new Secret(text) }
}
