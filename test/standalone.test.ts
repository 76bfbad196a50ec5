import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '@warmhook/redis-server/find-free-port'
import { eventually } from '@warmhook/testing/eventually'
import { spawnApp, type SpawnedApp } from '@warmhook/testing/spawn-app'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let dataDir: string
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'warmhook standalone '))
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))

function start(more: Readonly<Record<string, string>> = {}): Promise<SpawnedApp> {
  const env = { DATA_DIR: dataDir, INGRESS_PORT: '0', BOARD_PORT: '0', ...more }
  return spawnApp('apps/standalone/src/main.ts', env, { readyLine: /Ctrl-C/, timeoutMs: 60_000 })
}

async function printed(app: SpawnedApp, pattern: RegExp): Promise<string> {
  return (await app.waitForLine(pattern))[1] ?? ''
}

async function readLedger(app: SpawnedApp): Promise<unknown> {
  const dashboard = await printed(app, /Dashboard\s+(http:\S+)/)
  const password = await printed(app, /password (\S+)\)/)
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
  return (await fetch(`${dashboard}api/ledger`, { headers: { authorization } })).json()
}

function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<SpawnedApp> {
  return spawnApp('apps/cli/src/main.ts', { DATA_DIR: dataDir, ...env }, { args })
}

describe('npm start and warmhook send', () => {
  it('work together without any settings, and stored data survives a restart', { timeout: 180_000 }, async () => {
    {
      await using app = await start()
      const [, url] = await app.waitForLine(/Webhook URL\s+(http:\/\/[^/]+)\//)
      await using send = await runCli(['send', '--url', url ?? ''])
      expect(await send.exited).toMatchObject({ code: 0 })
      expect(send.output().match(/ 202 /g)).toHaveLength(5)
      await eventually(async () =>
        expect(await readLedger(app)).toMatchObject({ accepted: 5, processed: 5, balanced: true }),
      )
      await using second = await runCli(['send', '--json', '--url', url ?? '', '/dev/null'])
      expect(await second.exited).toMatchObject({ code: 1 })
      expect(second.output()).toMatch(/"status":400[\s\S]*1 of 1 were not accepted/)
      app.kill('SIGTERM')
      expect(await app.exited).toEqual({ code: 0, signal: null })
    }
    await using again = await start()
    await eventually(async () =>
      expect(await readLedger(again)).toMatchObject({ accepted: 5, processed: 5, balanced: true }),
    )
  })

  it('refuse to start twice in the same directory', { timeout: 180_000 }, async () => {
    await using first = await start()
    await expect(start()).rejects.toThrow(new RegExp(`process ${first.pid}\\) already uses`))
  })

  it('take over the data of a killed process', { timeout: 180_000 }, async () => {
    const killed = await start()
    killed.kill('SIGKILL')
    await killed.exited
    await using app = await start()
    await eventually(async () => expect(await readLedger(app)).toMatchObject({ accepted: 5, balanced: true }))
  })
})

describe('npm start with ENDPOINTS_FILE', () => {
  it(
    'listens on IPv6, prints each owner’s URL, and accepts no other key; warmhook send finds a key',
    { timeout: 180_000 },
    async () => {
      const file = join(dataDir, 'endpoints.yaml')
      const digest = 'a'.repeat(64)
      await writeFile(
        file,
        `endpoints:\n  - { owner: hashed, keys: ['sha256:${digest}'] }\n  - { owner: acme, keys: [the-key-of-acme-has-128-bits] }\n`,
      )
      const env = { HOST: '::1', ENDPOINTS_FILE: file, INGRESS_PORT: String(await findFreePort()) }
      await using app = await start(env)
      const url = await printed(
        app,
        /acme\s+(http:\/\/\[::1\]:\d+\/webhooks\/mailivery\/the-key-of-acme-has-128-bits)$/,
      )
      expect(app.output()).toMatch(/hashed\s+\(only the digest/)
      expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(202)

      const secrets = JSON.parse(await readFile(join(dataDir, 'secrets.json'), 'utf8')) as { endpointKey: string }
      const generated = url.replace(/[^/]+$/, secrets.endpointKey)
      expect((await fetch(generated, { method: 'POST', body: '{}' })).status).toBe(401)

      await using send = await runCli(['send'], env)
      expect(await send.exited).toMatchObject({ code: 0 })
      expect(send.output().match(/ 202 /g)).toHaveLength(5)
      await using blind = await runCli(['send'], { HOST: '::1', INGRESS_PORT: env.INGRESS_PORT })
      expect(await blind.exited).toMatchObject({ code: 1 })
      expect(blind.output()).toMatch(/401[\s\S]*pass a valid key with --key/)
      await using hashed = await runCli(['send', '--owner', 'hashed'], env)
      expect(await hashed.exited).toMatchObject({ code: 1 })
      expect(hashed.output()).toMatch(/No endpoint key found in plain text: pass --key/)
    },
  )

  it('stops on SIGHUP as on SIGTERM', { timeout: 180_000 }, async () => {
    await using app = await start()
    app.kill('SIGHUP')
    expect(await app.exited).toEqual({ code: 0, signal: null })
  })
})

describe('warmhook', () => {
  it('prints its commands with --help', async () => {
    await using help = await runCli(['--help'])
    expect(await help.exited).toMatchObject({ code: 0 })
    expect(help.output()).toMatch(/send[\s\S]*migrate/)
  })

  it('prints advice if nothing answers', async () => {
    await using send = await runCli(['send', '--url', 'http://127.0.0.1:1', '--key', 'x'])
    expect(await send.exited).toMatchObject({ code: 1 })
    expect(send.output()).toMatch(/No answer from http:\/\/127\.0\.0\.1:1: start Warmhook \(npm start\)/)
  })

  it('names the missing setting', async () => {
    await using migrate = await runCli(['migrate'])
    expect(await migrate.exited).toMatchObject({ code: 1 })
    expect(migrate.output()).toMatch(/DATABASE_URL is required/)
  })
})
