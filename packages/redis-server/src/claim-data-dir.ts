import { readFile, readlink, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { lockFile } from '@warmhook/lifecycle/lock-file'
import { identifyServer, type ServerAddress, type ServerIdentity, shutDownServer } from './identify-server.ts'
import { RedisServerError } from './redis-server-error.ts'

/** The right to run the one server on a data directory. */
export interface DataDirClaim {
  /** Records the running server, so that it can be found again if this process is killed. */
  record(server: RunningServer): Promise<void>
  release(): Promise<void>
}

interface RunningServer extends ServerAddress {
  readonly pid: number
}

interface Claim {
  readonly ownerPid: number
  readonly server?: RunningServer
}

/**
 * Claims a data directory for this process (`data-dir-locked` if another process has it). A server left behind by a killed owner
 * is shut down first. An operating system lock decides, because a process id may by now belong to another program or
 * container.
 */
export async function claimDataDir(dataDir: string, log: (line: string) => void): Promise<DataDirClaim> {
  const path = join(dataDir, 'warmhook-redis.json')
  const lock = lockFile(join(dataDir, 'warmhook-redis.lock'))
  if (lock === undefined) throw locked(dataDir, describeOwner(await readClaim(path)))
  try {
    await endLeftover(path, dataDir, log)
    await writeClaim(path, { ownerPid: process.pid })
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
  return {
    record: (server) => writeClaim(path, { ownerPid: process.pid, server }),
    async release() {
      await rm(path, { force: true })
      lock[Symbol.dispose]()
    },
  }
}

async function writeClaim(path: string, claim: Claim): Promise<void> {
  const draft = `${path}.draft`
  await writeFile(draft, `${JSON.stringify(claim)}\n`, { mode: 0o600 })
  await rename(draft, path)
}

function describeOwner(claim: Claim | undefined): string {
  if (claim === undefined) return 'another process has just claimed it'
  const { ownerPid, server } = claim
  return server === undefined
    ? `process ${ownerPid} is starting a server in it`
    : `process ${ownerPid} runs a server in it (pid ${server.pid}, port ${server.port})`
}

/** The process that wrote the claim has ended, otherwise the lock would be taken; its server may still run. */
async function endLeftover(path: string, dataDir: string, log: (line: string) => void): Promise<void> {
  const server = (await readClaim(path))?.server
  if (server === undefined) return
  const identity = await identifyServer(server)
  if (identity.status === 'silent' && isAlive(server.pid) && (await mayRunIn(dataDir, server.pid))) {
    throw locked(dataDir, `process ${server.pid} uses it and does not answer; stop that process first`)
  }
  if (!(await isSameServer(identity, server, dataDir))) {
    // It may have stopped listening just before it exits.
    if (await mayRunIn(dataDir, server.pid)) await waitUntilGone(server.pid, 2_000)
    return
  }
  log(`shutting down Redis ${server.pid}, whose owner has exited`)
  await shutDownServer(server)
  if (!(await waitUntilGone(server.pid, 30_000))) throw locked(dataDir, `process ${server.pid} does not exit`)
}

/** A server's working directory is its data directory. False if /proc shows a different program under its pid. */
async function mayRunIn(dataDir: string, pid: number): Promise<boolean> {
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(dataDir))
  } catch {
    // No /proc on this system, or another user's process.
    return true
  }
}

async function isSameServer(identity: ServerIdentity, server: RunningServer, dataDir: string): Promise<boolean> {
  return identity.status === 'answers' && identity.pid === server.pid && identity.dir === (await realpath(dataDir))
}

/** Undefined if the file has been removed, or truncated by a crash. */
async function readClaim(path: string): Promise<Claim | undefined> {
  try {
    return toClaim(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined
    throw error
  }
}

function toClaim(value: unknown): Claim | undefined {
  if (!isRecord(value) || typeof value.ownerPid !== 'number') return undefined
  const { ownerPid, server } = value
  if (!isRecord(server) || typeof server.pid !== 'number' || typeof server.port !== 'number') return { ownerPid }
  const password = typeof server.password === 'string' ? server.password : undefined
  return { ownerPid, server: { pid: server.pid, port: server.port, password } }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

async function waitUntilGone(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false
    await delay(20)
  }
  return true
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function locked(dataDir: string, why: string): RedisServerError {
  return new RedisServerError('data-dir-locked', `${dataDir} is in use: ${why}`)
}
