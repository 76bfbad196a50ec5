import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The webhook path of an owner; %d is the owner's number. */
export const ownersPath = '/webhooks/mailivery/the-first-key-of-owner-%d'

/** Writes an ENDPOINTS_FILE with two keys per owner. It is removed when the stack is disposed. */
export async function writeOwners(stack: AsyncDisposableStack, count: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'warmhook-bench-owners-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const entries = Array.from({ length: count }, (_, index) => {
    const n = index + 1
    return `  - { owner: owner-${n}, keys: [the-first-key-of-owner-${n}, the-second-key-of-owner-${n}] }`
  })
  const path = join(directory, 'endpoints.yaml')
  await writeFile(path, `endpoints:\n${entries.join('\n')}\n`)
  return path
}
