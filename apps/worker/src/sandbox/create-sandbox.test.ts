import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEnvelopes } from '@warmhook/testing/webhook-events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSandbox } from './create-sandbox.ts'
import { runInSandbox, type SandboxResult } from './run-in-sandbox.ts'

const fixture = join(import.meta.dirname, '../../../../packages/testing/src/fixtures/end-while-reading.ts')
const limitMs = 60_000

afterEach(() => vi.unstubAllEnvs())

/** Reads a webhook in a sandbox whose process ends as the fixture specifies. */
async function read(
  endsBy: string,
  { cpuLimitMs = 15_000, signal = new AbortController().signal, wallMs = limitMs } = {},
) {
  vi.stubEnv('NODE_OPTIONS', `--import ${fixture}`)
  vi.stubEnv('ENDS_BY', endsBy)
  vi.stubEnv('ENDED_ONCE', join(tmpdir(), `warmhook-${randomUUID()}`))
  let runs = 0
  const sandbox = createSandbox((...args) => {
    runs += 1
    return runInSandbox(...args)
  })
  const envelope = createEnvelopes()({ type: 'campaign.updated', account: { id: 1, email: 'poison@b.example' } })
  const result: SandboxResult = await sandbox(
    { kind: 'envelope', envelope, maxBodyBytes: 1_000, cpuLimitMs },
    wallMs,
    signal,
  )
  return { result, runs }
}

describe('a sandbox', { timeout: 120_000 }, () => {
  it.each(['SIGSEGV', 'SIGABRT', 'SIGKILL'])('reports a crash if two processes end with %s', async (name) => {
    expect(await read(name)).toEqual({ result: { status: 'crashed', how: name }, runs: 2 })
  })

  it('reports a crash if the process ends without an answer', async () => {
    expect(await read('exit')).toEqual({ result: { status: 'crashed', how: 'exit code 7' }, runs: 2 })
  })

  it('reports a crash if the work never yields the CPU', async () => {
    const { result } = await read('loop', { cpuLimitMs: 500 })
    expect(result).toEqual({ status: 'crashed', how: 'SIGXCPU' })
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])(
    'is inconclusive if the process is ended with %s',
    async (name) => {
      const { result, runs } = await read(name)
      expect(result).toMatchObject({ status: 'inconclusive' })
      expect(runs).toBe(1)
    },
  )

  it('is inconclusive if the process waits too long without using CPU time', async () => {
    const { result } = await read('wait', { wallMs: 5_000 })
    expect(result).toMatchObject({ status: 'inconclusive', why: 'it took longer than 5000 ms' })
  })

  it('is inconclusive if the worker abandons the job', async () => {
    const { result } = await read('wait', { signal: AbortSignal.timeout(3_000) })
    expect(result).toMatchObject({ status: 'inconclusive', why: 'the worker abandoned the job' })
  })

  it('uses the answer of the second process if only the first crashes', async () => {
    const { result, runs } = await read('once')
    expect(result).toMatchObject({ status: 'answered' })
    expect(runs).toBe(2)
  })

  it('is inconclusive for an event if the settings are invalid or the database is unreachable', async () => {
    const sandbox = createSandbox(runInSandbox)
    const event = { id: randomUUID(), owner: 'acme', campaignId: 1, receivedAt: 0 }
    const request = { kind: 'event' as const, handler: 'pause-tracking', event, timeoutMs: 5_000, cpuLimitMs: 15_000 }
    vi.stubEnv('DATABASE_URL', 'postgres://127.0.0.1:1/none')
    vi.stubEnv('REDIS_URL', 'redis://127.0.0.1:1')
    expect(await sandbox(request, limitMs, new AbortController().signal)).toMatchObject({ status: 'inconclusive' })
    vi.stubEnv('WORKER_CONCURRENCY', 'many')
    expect(await sandbox(request, limitMs, new AbortController().signal)).toMatchObject({ status: 'inconclusive' })
  })
})
