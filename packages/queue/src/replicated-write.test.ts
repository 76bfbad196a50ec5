import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RedisServer } from '@warmhook/redis-server/redis-server'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import { eventually } from '@warmhook/testing/eventually'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectProducer, disconnect } from './connections.ts'
import { createReplicatedWrite } from './replicated-write.ts'

const stack = new AsyncDisposableStack()
let replica: RedisServer
let connection: Redis

beforeAll(async () => {
  const home = await mkdtemp(join(tmpdir(), 'warmhook-replicas-'))
  stack.defer(() => rm(home, { recursive: true, force: true }))
  // By default, a master waits five seconds for more replicas before it starts to synchronise.
  const atOnce = ['--repl-diskless-sync-delay', '0']
  const master = stack.use(await startRedisServer({ dataDir: join(home, 'master'), extraArgs: atOnce }))
  const following = ['--replicaof', '127.0.0.1', String(master.port)]
  replica = stack.use(await startRedisServer({ dataDir: join(home, 'replica'), extraArgs: following }))
  connection = connectProducer({ url: master.url, onError: () => undefined })
  stack.defer(() => disconnect(connection))
  await once(connection, 'ready')
  await eventually(async () => expect(await connection.info('replication')).toMatch(/slave0:.*state=online/))
})
afterAll(() => stack.disposeAsync())

const add = () => connection.incr('writes')

describe('createReplicatedWrite', () => {
  it('returns once a replica has the write', async () => {
    await expect(createReplicatedWrite(connection, 1)(add)).resolves.toBeUndefined()
  })

  it('fails while the replica is unreachable, and succeeds when retried afterwards', async () => {
    const write = createReplicatedWrite(connection, 1)
    replica.kill('SIGSTOP')
    try {
      await expect(write(add)).rejects.toThrow('0 of 1 replicas confirmed the write')
    } finally {
      replica.kill('SIGCONT')
    }
    await eventually(() => write(add))
  })

  it('fails if the connection breaks after the write: a new one cannot confirm it', async () => {
    const write = createReplicatedWrite(connection, 1)
    const broken = write(async () => {
      await add()
      connection.disconnect(true)
      await once(connection, 'ready')
    })
    await expect(broken).rejects.toThrow('the connection broke')
  })

  it('does not wait for replicas if none is required', async () => {
    replica.kill('SIGSTOP')
    try {
      await expect(createReplicatedWrite(connection, 0)(add)).resolves.toBeUndefined()
    } finally {
      replica.kill('SIGCONT')
    }
  })
})
