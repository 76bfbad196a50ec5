import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@warmhook/testing/eventually'
import { spawnApp } from '@warmhook/testing/spawn-app'
import { describe, expect, it } from 'vitest'

interface DataDir extends AsyncDisposable {
  readonly path: string
}

async function makeDataDir(): Promise<DataDir> {
  const path = await mkdtemp(join(tmpdir(), 'warmhook private '))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

async function redisPid({ path }: DataDir): Promise<number> {
  const claim: unknown = JSON.parse(await readFile(join(path, 'redis', 'warmhook-redis.json'), 'utf8'))
  return (claim as { server: { pid: number } }).server.pid
}

describe.concurrent('the private Redis of npm start', () => {
  it(
    'is restarted when it is killed, loses nothing, and all processes stop cleanly on Ctrl-C',
    { timeout: 180_000 },
    async () => {
      await using dataDir = await makeDataDir()
      const env = { DATA_DIR: dataDir.path, INGRESS_PORT: '0', BOARD_PORT: '0' }
      await using app = await spawnApp('apps/standalone/src/main.ts', env, { readyLine: /Ctrl-C/, timeoutMs: 90_000 })
      const [, webhookUrl = ''] = await app.waitForLine(/Webhook URL\s+(\S+)/)
      const [, board = ''] = await app.waitForLine(/Dashboard\s+(http:\S+)/)
      const [, password = ''] = await app.waitForLine(/password (\S+)\)/)
      const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
      let sent = 0
      const post = async (): Promise<void> => {
        const body = JSON.stringify({
          type: 'campaign.created',
          account: { campaign_id: ++sent, email: `m${sent}@example.com` },
        })
        expect(await fetch(webhookUrl, { method: 'POST', body })).toMatchObject({ status: 202 })
      }

      for (let round = 1; round <= 2; round++) {
        const killed = await redisPid(dataDir)
        for (let count = 0; count < 20; count++) await post()
        process.kill(killed, 'SIGKILL')
        // These go to the spool while Redis is down.
        for (let count = 0; count < 20; count++) await post()
        await eventually(async () => expect(await redisPid(dataDir)).not.toBe(killed), { timeoutMs: 20_000 })
        await post()
      }
      await eventually(
        async () => {
          const ledger = await fetch(`${board}api/ledger`, { headers: { authorization } })
          expect(await ledger.json()).toMatchObject({ accepted: sent, processed: sent, balanced: true })
        },
        { timeoutMs: 40_000, intervalMs: 200 },
      )
      const last = await redisPid(dataDir)
      app.kill('SIGINT')
      expect(await app.exited).toEqual({ code: 0, signal: null })
      expect(() => process.kill(last, 0)).toThrow('ESRCH')
      expect(app.output('stderr').match(/the private Redis runs again/g)).toHaveLength(2)
    },
  )

  it('ends the process with advice if it cannot be restarted', { timeout: 180_000 }, async () => {
    await using dataDir = await makeDataDir()
    const env = { DATA_DIR: dataDir.path, INGRESS_PORT: '0', BOARD_PORT: '0' }
    await using app = await spawnApp('apps/standalone/src/main.ts', env, { readyLine: /Ctrl-C/, timeoutMs: 90_000 })
    const files = join(dataDir.path, 'redis', 'appendonlydir')
    await rename(files, `${files}.gone`)
    await writeFile(files, 'in the way')
    process.kill(await redisPid(dataDir), 'SIGKILL')
    expect(await app.exited).toEqual({ code: 1, signal: null })
    expect(app.output('stderr')).toMatch(
      /"level":60.*The private Redis exited \(SIGKILL\) and could not be restarted.*REDIS_URL/,
    )
  })
})
