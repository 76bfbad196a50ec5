import { runCommand } from './run-command.mjs'

// Debian ships the server in redis-tools: redis-check-rdb is the same program, which acts according to its name.
// The same list as in packages/redis-server, which this script cannot import: it may run before npm ci and on Node 20.
const programs = [
  ['redis-server', 'redis-server'],
  ['valkey-server', 'valkey-server'],
  ['redis-check-rdb', 'redis-server'],
  ['valkey-check-rdb', 'valkey-server'],
  ['/opt/homebrew/bin/redis-server', 'redis-server'],
  ['/usr/local/bin/redis-server', 'redis-server'],
]

/** The name and version of the server that packages/redis-server will use, such as "redis 7.0.15". */
export async function findRedis() {
  for (const [file = '', argv0 = ''] of programs) {
    const { ok, output } = await runCommand(file, ['--version'], { argv0 })
    const version = /^(redis|valkey) server v=(\S+)/i.exec(output)
    if (ok && version !== null) return `${version[1]?.toLowerCase()} ${version[2]}`
  }
  return undefined
}
