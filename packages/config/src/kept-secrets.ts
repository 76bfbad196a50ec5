import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** The secrets that an installation without settings makes for itself and keeps in its DATA_DIR. */
export const KeptSecrets = z.strictObject({ endpointKey: z.string().min(22), boardPassword: z.string().min(8) })
export type KeptSecrets = Readonly<z.infer<typeof KeptSecrets>>

/** The secrets file exists but can't be used. */
export class KeptSecretsError extends Error {
  override readonly name = 'KeptSecretsError'
}

/**
 * The kept secrets; undefined where there are none yet.
 *
 * @throws KeptSecretsError
 */
export function readKeptSecrets(dataDir: string): KeptSecrets | undefined {
  const path = pathIn(dataDir)
  try {
    return KeptSecrets.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new KeptSecretsError(`${path} can't be used; fix it, or remove it to have new secrets made`, { cause })
  }
}

/** The kept secrets, made and stored (readable by their owner only) at the first call. The directory has to exist. */
export function ensureKeptSecrets(dataDir: string): KeptSecrets {
  const kept = readKeptSecrets(dataDir)
  if (kept !== undefined) return kept
  const made = {
    endpointKey: randomBytes(24).toString('base64url'),
    boardPassword: randomBytes(12).toString('base64url'),
  }
  try {
    writeFileSync(pathIn(dataDir), `${JSON.stringify(made, undefined, 2)}\n`, { flag: 'wx', mode: 0o600, flush: true })
    return made
  } catch (error) {
    // Of two processes that make them at once, both go by those of the first.
    const others = readKeptSecrets(dataDir)
    if (others === undefined) throw error
    return others
  }
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'secrets.json')
}
