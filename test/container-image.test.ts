import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { findFreePort } from '@warmhook/redis-server/find-free-port'
import { samplePayloads } from '@warmhook/schema/samples'
import { eventually } from '@warmhook/testing/eventually'
import { runProgram } from '@warmhook/testing/run-program'
import { describe, expect, it } from 'vitest'
import { findContainerEngine } from './support/container-engine.ts'

const root = resolve(import.meta.dirname, '..')
const key = randomBytes(24).toString('base64url')
const boardPassword = 'board-password'
const mebibyte = 2 ** 20
const samples = Object.values(samplePayloads)
const patience = { timeoutMs: 120_000, intervalMs: 500 }

describe('the container image and docker-compose.yml', () => {
  it('build, start and process the samples', { timeout: 15 * 60_000 }, async ({ skip }) => {
    const engine = await findContainerEngine()
    if (engine.status === 'missing') return skip(engine.reason)
    const id = randomBytes(4).toString('hex')
    const ports = { ingress: await findFreePort(), board: await findFreePort() }
    const env = {
      COMPOSE_PROJECT_NAME: `warmhook-test-${id}`,
      WARMHOOK_IMAGE: `warmhook-test:${id}`,
      INGRESS_PORT: String(ports.ingress),
      BOARD_PORT: String(ports.board),
      WARMHOOK_ENDPOINT_KEY: key,
      BOARD_PASSWORD: boardPassword,
      REDIS_MAXMEMORY: '300mb',
      POSTGRES_PASSWORD: 'p@ss/w#rd?%40 &=:',
    }
    const command = (program: string, args: readonly string[]): Promise<string> =>
      runProgram(program, args, { cwd: root, env, timeoutMs: 8 * 60_000 })
    const [program, ...compose] = engine.compose
    const composed = (...args: readonly string[]): Promise<string> => command(program, [...compose, ...args])
    await using stack = new AsyncDisposableStack()

    await command('docker', ['build', '--tag', env.WARMHOOK_IMAGE, '--file', 'deploy/Dockerfile', '.'])
    stack.defer(async () => void (await command('docker', ['image', 'rm', '--force', env.WARMHOOK_IMAGE])))
    const sizeOf = async (image: string): Promise<number> =>
      Number(await command('docker', ['image', 'inspect', '--format', '{{.Size}}', image])) / mebibyte
    expect((await sizeOf(env.WARMHOOK_IMAGE)) - (await sizeOf('node:24-bookworm-slim'))).toBeLessThan(250)

    stack.defer(async () => void (await composed('down', '--volumes', '--timeout', '5')))
    await composed('up', '--detach', '--no-build', '--scale', 'worker=2')
    await eventually(
      async () => expect(await fetch(`http://127.0.0.1:${ports.ingress}/readyz`)).toMatchObject({ status: 200 }),
      patience,
    )
    for (const sample of samples) {
      const url = `http://127.0.0.1:${ports.ingress}/webhooks/mailivery/${key}`
      expect(await fetch(url, { method: 'POST', body: sample })).toMatchObject({ status: 202 })
    }
    const authorization = `Basic ${Buffer.from(`admin:${boardPassword}`).toString('base64')}`
    await eventually(async () => {
      const ledger = await fetch(`http://127.0.0.1:${ports.board}/api/ledger`, { headers: { authorization } })
      expect(await ledger.json()).toMatchObject({ accepted: samples.length, processed: samples.length, balanced: true })
    }, patience)
    expect(await composed('exec', '-T', 'redis', 'redis-cli', 'config', 'get', 'maxmemory')).toContain(
      String(300 * mebibyte),
    )
  })
})
