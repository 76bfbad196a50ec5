/** When Redis flushes its append-only file to the disk. */
export type AppendFsync = 'always' | 'everysec' | 'no'

export interface RedisConfig {
  readonly dir: string
  readonly port: number
  readonly appendfsync: AppendFsync
  readonly password: string | undefined
  /** In Redis's own notation, for example `256mb`. */
  readonly maxmemory: string | undefined
}

/** The configuration as Redis reads it from its standard input: the password is in no argument list and no file. */
export function toRedisConfig({ dir, port, appendfsync, password, maxmemory }: RedisConfig): string {
  const settings: readonly (readonly [name: string, value: string | undefined])[] = [
    ['bind', '127.0.0.1'],
    ['port', String(port)],
    ['daemonize', 'no'],
    ['logfile', ''],
    ['dir', dir],
    ['appendonly', 'yes'],
    ['appendfsync', appendfsync],
    // The append-only file is the whole truth; snapshots would only cost memory and disk.
    ['save', ''],
    // A queue must refuse work rather than forget some.
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
