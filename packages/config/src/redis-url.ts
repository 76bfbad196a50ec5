/** Where a Redis is: a server's URL, or the sentinels that know which of several servers is the master. */
export type RedisAddress = { readonly url: string } | SentinelAddress

export interface SentinelAddress {
  readonly sentinels: readonly { readonly host: string; readonly port: number }[]
  /** What the sentinels call the master. */
  readonly name: string
  readonly username: string | undefined
  /** The servers' and the sentinels'. */
  readonly password: string | undefined
  readonly db: number
  readonly tls: boolean
}

const sentinelUrl =
  /^redis(?<tls>s?)\+sentinel:\/\/(?:(?<user>[^:@/]*):(?<password>[^@/]*)@)?(?<hosts>[^@/]+)\/(?<name>[\w.-]+)(?:\/(?<db>\d+))?$/
const sentinelHost = /^(?<host>[\w.-]+|\[[\da-f:.]+\])(?::(?<port>\d{1,5}))?$/i
const defaultSentinelPort = 26_379

/**
 * Reads `redis://…`, `rediss://…` or `redis+sentinel://[user:password@]host[:port],…/master[/db]`; undefined when it is
 * none of them.
 */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  if (/^rediss?:\/\//.test(text)) return URL.parse(text)?.hostname ? { url: text } : undefined
  const parts = sentinelUrl.exec(text)?.groups
  if (parts === undefined) return undefined
  const sentinels = (parts['hosts'] ?? '').split(',').flatMap((item) => {
    const { host, port } = sentinelHost.exec(item)?.groups ?? {}
    return host === undefined ? [] : [{ host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultSentinelPort) }]
  })
  if (sentinels.length === 0 || sentinels.length < (parts['hosts'] ?? '').split(',').length) return undefined
  return {
    sentinels,
    name: parts['name'] ?? '',
    username: decode(parts['user']),
    password: decode(parts['password']),
    db: Number(parts['db'] ?? 0),
    tls: parts['tls'] === 's',
  }
}

function decode(part: string | undefined): string | undefined {
  return part === undefined || part === '' ? undefined : decodeURIComponent(part)
}
