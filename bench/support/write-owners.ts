import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The webhook path of an owner, by its number. */
export const ownersPath = '/webhooks/mailivery/the-first-key-of-owner-%d'

/** An ENDPOINTS_FILE with two keys for each owner, until the stack is disposed. */
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
