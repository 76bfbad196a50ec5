import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { RedisServerError } from './redis-server-error.ts'

/** A program that acts as a Redis server if it is started with the name in `argv0`. */
export interface RedisBinary {
  readonly file: string
  readonly argv0: string
}

// Debian's redis-tools contains the server: redis-check-rdb is the same program and acts according to the name it is started with.
const usualBinaries: readonly RedisBinary[] = [
  { file: 'redis-server', argv0: 'redis-server' },
  { file: 'valkey-server', argv0: 'valkey-server' },
  { file: 'redis-check-rdb', argv0: 'redis-server' },
  { file: 'valkey-check-rdb', argv0: 'valkey-server' },
  { file: '/opt/homebrew/bin/redis-server', argv0: 'redis-server' },
  { file: '/usr/local/bin/redis-server', argv0: 'redis-server' },
]

/** The first candidate that runs and identifies itself as a Redis or Valkey server. */
export async function findRedisBinary(candidates: readonly RedisBinary[] = usualBinaries): Promise<RedisBinary> {
  for (const candidate of candidates) {
    if (await isServer(candidate)) return candidate
  }
  throw new RedisServerError(
    'binary-missing',
    'no redis-server or valkey-server found: run "node scripts/setup.mjs", or set REDIS_URL to another Redis',
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
