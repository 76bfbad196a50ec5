import { readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identifyServer, type ServerAddress, type ServerIdentity, shutDownServer } from './identify-server.ts'
import { RedisServerError } from './redis-server-error.ts'

/** The right to run the one server on a data directory. */
export interface DataDirClaim {
  /** Notes which server runs here, so that it can be found again should this process be killed. */
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

// A claim without a server is one whose owner is about to start it; older than this, the owner died before it could.
const startingAtMostMs = 60_000

/**
 * Claims a data directory for this process. A server left behind by a killed owner is shut down first; one whose
 * owner lives means that the directory is taken (`data-dir-locked`).
 */
export async function claimDataDir(dataDir: string, log: (line: string) => void): Promise<DataDirClaim> {
  const path = join(dataDir, 'warmhook-redis.json')
  while (!(await createClaim(path))) {
    await endLeftover(path, dataDir, log)
    await rm(path, { force: true })
  }
  return {
    async record(server) {
      const draft = `${path}.${process.pid}`
      await writeFile(draft, toText({ ownerPid: process.pid, server }), { mode: 0o600 })
      await rename(draft, path)
    },
    release: () => rm(path, { force: true }),
  }
}

async function createClaim(path: string): Promise<boolean> {
  try {
    await writeFile(path, toText({ ownerPid: process.pid }), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

async function endLeftover(path: string, dataDir: string, log: (line: string) => void): Promise<void> {
  const claim = await readClaim(path)
  if (claim === undefined) return
  const { ownerPid, server } = claim
  if (server === undefined) {
    if (isAlive(ownerPid) && (await ageMs(path)) < startingAtMostMs)
      throw locked(dataDir, `process ${ownerPid} is starting a server in it`)
    return
  }
  const identity = await identifyServer(server)
  if (identity.status === 'silent' && isAlive(server.pid)) {
    throw locked(dataDir, `process ${server.pid} uses it and does not answer; end that process first`)
  }
  if (!(await isSameServer(identity, server, dataDir))) {
    // It may have stopped listening a moment before it ends.
    await waitUntilGone(server.pid, 2_000)
    return
  }
  if (isAlive(ownerPid))
    throw locked(dataDir, `process ${ownerPid} runs a server in it (pid ${server.pid}, port ${server.port})`)
  log(`taking over from Redis ${server.pid}, whose owner ${ownerPid} is gone`)
  await shutDownServer(server)
  if (!(await waitUntilGone(server.pid, 30_000))) throw locked(dataDir, `process ${server.pid} does not end`)
}

async function isSameServer(identity: ServerIdentity, server: RunningServer, dataDir: string): Promise<boolean> {
  return identity.status === 'answers' && identity.pid === server.pid && identity.dir === (await realpath(dataDir))
}

/** Undefined when there is nothing to learn from the file: gone meanwhile, or cut short by a crash. */
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

function toText(claim: Claim): string {
  return `${JSON.stringify(claim)}\n`
}

async function ageMs(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return Number.POSITIVE_INFINITY
    throw error
  }
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
