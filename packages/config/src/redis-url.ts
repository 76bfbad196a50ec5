/** The location of a Redis: a server's URL, or the sentinels that know the current master. */
export type RedisAddress = { readonly url: string } | SentinelAddress

export interface SentinelAddress {
  readonly sentinels: readonly { readonly host: string; readonly port: number }[]
  /** The name of the master in the sentinels' configuration. */
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
 * Reads `redis://…`, `rediss://…` or `redis+sentinel://[user:password@]host[:port],…/master[/db]`; undefined if it is
 * none of them.
 */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  if (!isDecodable(text)) return undefined
  if (/^rediss?:\/\//i.test(text)) return isServerUrl(text) ? { url: text } : undefined
  const parts = sentinelUrl.exec(text)?.groups
  if (parts === undefined) return undefined
  const sentinels = (parts['hosts'] ?? '').split(',').flatMap((item) => {
    const { host, port } = sentinelHost.exec(item)?.groups ?? {}
    return host === undefined ? [] : [{ host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultSentinelPort) }]
  })
  if (sentinels.length === 0 || sentinels.length < (parts['hosts'] ?? '').split(',').length) return undefined
  if (sentinels.some(({ port }) => port < 1 || port > 65_535)) return undefined
  return {
    sentinels,
    name: parts['name'] ?? '',
    username: decode(parts['user']),
    password: decode(parts['password']),
    db: Number(parts['db'] ?? 0),
    tls: parts['tls'] === 's',
  }
}

/** Why this is not the address of a Redis, as the end of a sentence that starts with the variable; undefined if it is one. */
export function redisUrlProblem(text: string): string | undefined {
  if (!isDecodable(text)) return 'contains an invalid % escape: write a literal % as %25'
  if (parseRedisUrl(text) !== undefined) return undefined
  return (
    'must be a URL such as redis://127.0.0.1:6379 or redis+sentinel://host1:26379,host2:26379/master-name; ' +
    'in a password, write @ / # ? and % as %40 %2F %23 %3F and %25'
  )
}

function isServerUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.hostname === '' || text.includes('#')) return false
  // An unescaped / or ? in a password would turn the rest of it, and the real host, into a path or a query.
  const isDatabase = /^(?:\/\d{0,9})?$/.test(url.pathname)
  return isDatabase && /^(?:\?(?:\w+=[^&@]*(?:&|$))*)?$/.test(url.search)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function decode(part: string | undefined): string | undefined {
  return part === undefined || part === '' ? undefined : decodeURIComponent(part)
}
