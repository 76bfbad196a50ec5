import { ok, problem, warning, type Check, type Finding } from './finding.ts'

/** Redis: version, persistence, eviction policy and memory. */
export const checkRedis: Check = {
  name: 'redis',
  async run({ redis }) {
    const info = await redis.info()
    const read = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
    return [
      checkVersion(read('redis_version')),
      checkPersistence(read('aof_enabled'), read('aof_last_write_status')),
      checkPolicy(read('maxmemory_policy')),
      checkMemory(Number(read('used_memory')), Number(read('maxmemory'))),
    ]
  },
}

function checkVersion(version: string): Finding {
  return Number.parseInt(version, 10) >= 7
    ? ok(`Redis ${version}`)
    : problem(`Redis ${version} is too old`, 'Run Redis 7 or newer.')
}

function checkPersistence(isEnabled: string, lastWrite: string): Finding {
  if (isEnabled !== '1')
    return problem('the append-only file is off: events are lost if Redis restarts', 'Set "appendonly yes".')
  return lastWrite === 'ok'
    ? ok('the append-only file is on')
    : problem(
        `the last write to the append-only file failed with "${lastWrite}"`,
        "Check the disk that holds Redis's data.",
      )
}

function checkPolicy(policy: string): Finding {
  return policy === 'noeviction'
    ? ok('maxmemory-policy noeviction')
    : problem(
        `maxmemory-policy is ${policy}: Redis evicts events when it is full`,
        'Set "maxmemory-policy noeviction".',
      )
}

function checkMemory(used: number, limit: number): Finding {
  const mebibytes = `${Math.round(used / 2 ** 20)} MiB`
  if (limit === 0)
    return warning(
      `Redis uses ${mebibytes} and has no memory limit: a long backlog can use up the machine's memory`,
      'Set "maxmemory"; above 80 % of it, the ingress writes to the spool.',
    )
  const share = Math.round((used / limit) * 100)
  const message = `Redis uses ${mebibytes}, ${share} % of maxmemory`
  if (share < 60) return ok(message)
  const advice = 'Give Redis more memory, or start more workers if the queues are long.'
  return share < 80 ? warning(message, advice) : problem(`${message}: the ingress has stopped adding jobs`, advice)
}
