/** When Redis flushes its append-only file to the disk. */
export type AppendFsync = 'always' | 'everysec' | 'no'

export interface RedisConfig {
  readonly dir: string
  readonly port: number
  readonly appendfsync: AppendFsync
  readonly password: string | undefined
  /** In Redis notation, such as `256mb`. */
  readonly maxmemory: string | undefined
}

/** The configuration as Redis reads it from standard input, so that the password is not in an argument list or a file. */
export function toRedisConfig({ dir, port, appendfsync, password, maxmemory }: RedisConfig): string {
  const settings: readonly (readonly [name: string, value: string | undefined])[] = [
    ['bind', '127.0.0.1'],
    ['port', String(port)],
    ['daemonize', 'no'],
    ['logfile', ''],
    ['dir', dir],
    ['appendonly', 'yes'],
    ['appendfsync', appendfsync],
    // The append-only file is sufficient; snapshots would only cost memory and disk space.
    ['save', ''],
    // A queue must refuse work rather than evict it.
    ['maxmemory-policy', 'noeviction'],
    ['maxmemory', maxmemory],
    ['requirepass', password],
  ]
  return settings.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${quote(value)}\n`])).join('')
}

function quote(value: string): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
  return `"${escaped}"`
}
