import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** Secrets that an installation without settings generates and stores in its DATA_DIR. */
export const GeneratedSecrets = z.strictObject({ endpointKey: z.string().min(22), boardPassword: z.string().min(8) })
export type GeneratedSecrets = Readonly<z.infer<typeof GeneratedSecrets>>

/** The secrets file exists but cannot be used. */
export class GeneratedSecretsError extends Error {
  override readonly name = 'GeneratedSecretsError'
}

/**
 * The stored secrets; undefined if there are none yet.
 *
 * @throws GeneratedSecretsError
 */
export function readGeneratedSecrets(dataDir: string): GeneratedSecrets | undefined {
  const path = pathIn(dataDir)
  try {
    return GeneratedSecrets.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new GeneratedSecretsError(`${path} cannot be used: fix it, or remove it to generate new secrets`, { cause })
  }
}

/** The stored secrets, generated on the first call and readable by their owner only. The directory has to exist. */
export function ensureGeneratedSecrets(dataDir: string): GeneratedSecrets {
  const stored = readGeneratedSecrets(dataDir)
  if (stored !== undefined) return stored
  const made = {
    endpointKey: randomBytes(24).toString('base64url'),
    boardPassword: randomBytes(12).toString('base64url'),
  }
  try {
    writeFileSync(pathIn(dataDir), `${JSON.stringify(made, undefined, 2)}\n`, { flag: 'wx', mode: 0o600, flush: true })
    return made
  } catch (error) {
    // If two processes generate them at the same time, both use those of the first.
    const others = readGeneratedSecrets(dataDir)
    if (others === undefined) throw error
    return others
  }
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'secrets.json')
}
