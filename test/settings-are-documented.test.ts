import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fields } from '@warmhook/config/fields'
import { beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const names = Object.keys(fields)

/** Not configurable in Compose, which starts the servers itself and gives each process its own address. */
const fixedByCompose = ['REDIS_URL', 'DATABASE_URL', 'HOST', 'WORKER_PORT', 'DATA_DIR', 'SPOOL_DIR']
/** For installations with a shared or replicated Redis, which the Compose file does not have, and for commands. */
const notInCompose = ['QUEUE_PREFIX', 'REDIS_WAIT_REPLICAS', 'WARMHOOK_URL']

describe('every setting', () => {
  let readme: string
  let compose: string
  beforeAll(async () => {
    readme = await readFile(join(root, 'README.md'), 'utf8')
    compose = await readFile(join(root, 'docker-compose.yml'), 'utf8')
  })

  it('has a row in the README, which has no row for an unknown setting', () => {
    const rows = readme.matchAll(/^\| (`[A-Z_`· ]+`) +\|/gm)
    const documented = rows.flatMap(([, cell = '']) => [...cell.matchAll(/[A-Z_]+/g)].map(([name]) => name)).toArray()
    expect(documented.toSorted()).toEqual(names.toSorted())
  })

  it('is passed to its process in docker-compose.yml, which passes no unknown setting', () => {
    const passed = compose.matchAll(/\$\{([A-Z_]+)[:}]/g).map(([, name = '']) => name)
    const own = ['WARMHOOK_IMAGE', 'POSTGRES_PASSWORD']
    const expected = names.filter((name) => ![...fixedByCompose, ...notInCompose].includes(name))
    expect([...new Set(passed)].filter((name) => !own.includes(name)).toSorted()).toEqual(expected.toSorted())
    for (const name of fixedByCompose.filter((fixed) => !['WORKER_PORT', 'DATA_DIR'].includes(fixed)))
      expect(compose).toMatch(new RegExp(`^ +${name}: `, 'm'))
  })
})
