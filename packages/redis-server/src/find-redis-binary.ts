import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { RedisServerError } from './redis-server-error.ts'

/** A program that is a Redis server when it is called by the name in `argv0`. */
export interface RedisBinary {
  readonly file: string
  readonly argv0: string
}

// Debian ships the server inside redis-tools: redis-check-rdb is the same program, which goes by the name it is called.
const usualBinaries: readonly RedisBinary[] = [
  { file: 'redis-server', argv0: 'redis-server' },
  { file: 'valkey-server', argv0: 'valkey-server' },
  { file: 'redis-check-rdb', argv0: 'redis-server' },
  { file: 'valkey-check-rdb', argv0: 'valkey-server' },
  { file: '/opt/homebrew/bin/redis-server', argv0: 'redis-server' },
  { file: '/usr/local/bin/redis-server', argv0: 'redis-server' },
]

/** The first of the candidates that runs and calls itself a Redis or Valkey server. */
export async function findRedisBinary(candidates: readonly RedisBinary[] = usualBinaries): Promise<RedisBinary> {
  for (const candidate of candidates) {
    if (await isServer(candidate)) return candidate
  }
  throw new RedisServerError(
    'binary-missing',
    'no redis-server or valkey-server found: run "node scripts/setup.mjs", or set REDIS_URL to a Redis that runs elsewhere',
  )
}

async function isServer({ file, argv0 }: RedisBinary): Promise<boolean> {
  const probe = spawn(file, ['--version'], { argv0, stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  probe.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const started = await once(probe, 'close').then(
    () => true,
    () => false,
  )
  return started && /^(redis|valkey) server v=/i.test(output)
}
