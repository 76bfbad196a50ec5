import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findFreePort } from '@warmhook/redis-server/find-free-port'
import { Client } from 'pg'
import { findPostgresPrograms } from './find-postgres-programs.ts'
import type { ServiceSource, TestService } from './test-service.ts'

/** The account that a program runs under; empty for the current user's. */
interface Account {
  readonly uid?: number
  readonly gid?: number
}

interface Cluster {
  readonly programs: string
  readonly home: string
  readonly account: Account
}

const user = 'warmhook'
const startTimeoutMs = 30_000
// A Postgres process may still write a file while the folder is being removed.
const removal = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }

/** The data is thrown away after the test, so nothing is flushed to disk. */
const throwaway = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

/** A locally installed Postgres, with its data in a temporary directory. */
export const localPostgres: ServiceSource = {
  name: "this machine's programs",
  start: () => startLocalPostgres(throwaway),
}

export interface LocalPostgres extends TestService {
  /** The pid of the postmaster, the parent of all other server processes. */
  readonly pid: number
  /** Closes every connection and exits without a checkpoint, like a crash. The data is kept. */
  crash(): Promise<void>
  /** After a crash: starts the same server on the same port, and resolves once it has recovered. */
  restart(): Promise<void>
}

/** The same with the given server settings; without any, the data is as durable as with Postgres's defaults. */
export async function startLocalPostgres(settings: Readonly<Record<string, string>> = {}): Promise<LocalPostgres> {
  const programs = await findPostgresPrograms()
  if (programs === undefined) throw new Error('no initdb and postgres found')
  const account = await accountForPostgres()
  const home = await mkdtemp(join(tmpdir(), 'warmhook-postgres-'))
  const cluster: Cluster = { programs, home, account }
  try {
    if (account.uid !== undefined && account.gid !== undefined) await chown(home, account.uid, account.gid)
    await initialise(cluster)
    return await run(cluster, settings)
  } catch (error) {
    await removeHome(cluster)
    throw error
  }
}

/** Postgres refuses to run as root, the user that runs tests in most containers. */
async function accountForPostgres(): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const account = accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody')
  if (account === undefined)
    throw new Error('Postgres refuses to run as root, and there is no account postgres or nobody')
  return { uid: Number(account[2]), gid: Number(account[3]) }
}

async function initialise({ programs, home, account }: Cluster): Promise<void> {
  const args = [
    '--pgdata',
    join(home, 'data'),
    '--username',
    user,
    '--auth',
    'trust',
    '--encoding',
    'UTF8',
    '--no-locale',
    '--no-sync',
  ]
  await promisify(execFile)(join(programs, 'initdb'), args, { cwd: home, ...account })
}

async function run(cluster: Cluster, given: Readonly<Record<string, string>>): Promise<LocalPostgres> {
  const port = await findFreePort()
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '300',
    ...given,
  }
  const url = `postgres://${user}@127.0.0.1:${port}/postgres`
  let child = await launch(cluster, settings, url)
  return {
    url,
    get pid() {
      return child.pid ?? Number.NaN
    },
    crash: () => stop(child),
    async restart() {
      child = await launch(cluster, settings, url)
    },
    async [Symbol.asyncDispose]() {
      await stop(child)
      await removeHome(cluster)
    },
  }
}

async function launch(
  cluster: Cluster,
  settings: Readonly<Record<string, string>>,
  url: string,
): Promise<ChildProcess> {
  const { programs, home, account } = cluster
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(join(programs, 'postgres'), ['-D', join(home, 'data'), ...args], {
    cwd: home,
    stdio: ['ignore', 'ignore', 'pipe'],
    // Ctrl-C must reach only the test runner, which stops Postgres in the right order.
    detached: true,
    ...account,
  })
  let logged = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (logged = (logged + text).slice(-4_000)))
  endWithRunner(child, cluster)
  try {
    await waitUntilReady(url, child)
  } catch (error) {
    await stop(child)
    throw new Error(`${error instanceof Error ? error.message : String(error)}; its log:\n${logged}`, { cause: error })
  }
  return child
}

/** Cleans up if the test runner exits without its teardown. */
function endWithRunner(child: ChildProcess, { programs, home, account }: Cluster): void {
  const end = () => {
    // An exit hook is synchronous, so pg_ctl waits for the end: a folder that is still written to can't be removed.
    spawnSync(join(programs, 'pg_ctl'), ['stop', '-w', '-m', 'immediate', '-D', join(home, 'data')], {
      cwd: home,
      ...account,
    })
    rmSync(home, removal)
  }
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    const failure = await connectOnce(url)
    if (failure === undefined) return
    if (hasEnded(child)) throw new Error('Postgres exited during startup')
    if (Date.now() > deadline)
      throw new Error(`Postgres did not answer within ${startTimeoutMs} ms`, { cause: failure })
    await delay(50)
  }
}

async function connectOnce(url: string): Promise<unknown> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
  try {
    await client.connect()
    return undefined
  } catch (error) {
    return error
  } finally {
    await client.end()
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  // Immediate shutdown: no checkpoint, connections are closed.
  child.kill('SIGQUIT')
  await ended
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function removeHome({ home }: Cluster): Promise<void> {
  return rm(home, removal)
}
