import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { findFreePort } from '@warmhook/redis-server/find-free-port'
import { findRedisBinary } from '@warmhook/redis-server/find-redis-binary'
import { eventually } from '@warmhook/testing/eventually'

/** Three Redis Sentinels that monitor one master. Disposing stops them. */
export interface Sentinels extends AsyncDisposable {
  /** For REDIS_URL. */
  readonly url: string
  /** The port of the server that they report as master. */
  masterPort(): Promise<number>
}

const masterName = 'warmhook'
const count = 3
const quorum = 2

/** Resolves once the sentinels know each other and a replica, so that they can promote it. */
export async function startSentinels(directory: string, firstMasterPort: number): Promise<Sentinels> {
  await mkdir(directory)
  await using stack = new AsyncDisposableStack()
  const ports: number[] = []
  for (let index = 0; index < count; index += 1) ports.push(await findFreePort())
  for (const port of ports) await startSentinel(stack, join(directory, `${port}.conf`), port, firstMasterPort)
  const client = connectConsumer({ url: `redis://127.0.0.1:${ports[0]}`, onError: () => undefined })
  stack.defer(() => disconnect(client))
  await eventually(async () => /status=ok,.*slaves=1,sentinels=3/.test(await client.info('sentinel')), {
    timeoutMs: 30_000,
    intervalMs: 100,
  })
  const owned = stack.move()
  return {
    url: `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join()}/${masterName}`,
    async masterPort() {
      const answer = await client.call('SENTINEL', 'get-master-addr-by-name', masterName)
      return Number(Array.isArray(answer) ? answer[1] : undefined)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function startSentinel(
  stack: AsyncDisposableStack,
  file: string,
  port: number,
  masterPort: number,
): Promise<void> {
  // A sentinel stores its state in its configuration file.
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} ${quorum}`,
    `sentinel down-after-milliseconds ${masterName} 3000`,
    `sentinel failover-timeout ${masterName} 10000`,
  ]
  await writeFile(file, settings.map((line) => `${line}\n`).join(''))
  const binary = await findRedisBinary()
  const child = spawn(binary.file, [file, '--sentinel'], { argv0: binary.argv0, stdio: 'ignore', detached: true })
  stack.defer(() => end(child))
  // In case the run exits without disposing.
  const endWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  child.once('exit', () => process.off('exit', endWithUs))
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
