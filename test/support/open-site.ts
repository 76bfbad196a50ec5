import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { startTcpProxy, type TcpProxy } from '@warmhook/testing/start-tcp-proxy'
import { testPrefix } from '@warmhook/testing/test-prefix'
import { startInstallation, type Installation } from './start-installation.ts'

async function proxyTo(url: URL, defaultPort: number): Promise<TcpProxy> {
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port || defaultPort) })
  url.host = `127.0.0.1:${proxy.port}`
  return proxy
}

/** An installation with a network that can be made to fail. */
export interface Site extends AsyncDisposable {
  readonly warmhook: Installation
  readonly redis: TcpProxy
  readonly postgres: TcpProxy
}

/** Starts an installation with a spool; it reaches Redis and Postgres through proxies. */
export async function openSite(): Promise<Site> {
  await using cleanup = new AsyncDisposableStack()
  const redisUrl = new URL(testPrefix().redisUrl)
  const redis = cleanup.use(await proxyTo(redisUrl, 6379))
  const databaseUrl = new URL(cleanup.use(await createTestDatabase()).url)
  const postgres = cleanup.use(await proxyTo(databaseUrl, 5432))
  const spool = await mkdtemp(join(tmpdir(), 'warmhook-site-'))
  cleanup.defer(() => rm(spool, { recursive: true, force: true }))
  const env = { REDIS_URL: redisUrl.href, DATABASE_URL: databaseUrl.href, SPOOL_DIR: spool }
  const warmhook = cleanup.use(await startInstallation(env))
  const owned = cleanup.move()
  return { warmhook, redis, postgres, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
