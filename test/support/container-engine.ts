import { runProgram } from '@warmhook/testing/run-program'

/** What a test of the image requires on this machine. */
export type ContainerEngine =
  | { readonly status: 'ready'; readonly compose: readonly [program: string, ...args: string[]] }
  | { readonly status: 'missing'; readonly reason: string }

const baseImages = ['node:24-bookworm-slim', 'redis:7-alpine', 'postgres:17-alpine']

/**
 * Whether a container engine is running that has the base images and Compose, and whose containers reach npm's
 * registry.
 */
export async function findContainerEngine(): Promise<ContainerEngine> {
  const missing = (reason: string): ContainerEngine => ({ status: 'missing', reason })
  if (!(await works('docker', ['version', '--format', '{{.Server.Version}}'], 10_000)))
    return missing('no container engine is running')
  for (const image of baseImages) {
    if (await works('docker', ['image', 'inspect', image], 10_000)) continue
    if (!(await works('docker', ['pull', '--quiet', image], 120_000)))
      return missing(`image ${image} is missing and cannot be pulled`)
  }
  const compose = await findCompose()
  if (compose === undefined) return missing('neither "docker compose" nor docker-compose is installed')
  const ping = ['npm', 'ping', '--fetch-retries=0', '--fetch-timeout=15000']
  if (!(await works('docker', ['run', '--rm', 'node:24-bookworm-slim', ...ping], 60_000)))
    return missing("npm's registry is unreachable from a container")
  return { status: 'ready', compose }
}

async function findCompose(): Promise<readonly [string, ...string[]] | undefined> {
  if (await works('docker', ['compose', 'version'], 10_000)) return ['docker', 'compose']
  return (await works('docker-compose', ['version'], 10_000)) ? ['docker-compose'] : undefined
}

async function works(program: string, args: readonly string[], timeoutMs: number): Promise<boolean> {
  return runProgram(program, args, { timeoutMs }).then(
    () => true,
    () => false,
  )
}
