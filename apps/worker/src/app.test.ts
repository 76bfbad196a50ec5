import { createMetrics } from '@warmhook/telemetry/metrics'
import { Gauge } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createApp } from './app.ts'

describe('the HTTP routes of a worker', () => {
  const reported: string[] = []
  const report = Object.assign((what: string) => (error: unknown) => void reported.push(`${what}: ${String(error)}`), {
    flush: () => undefined,
  })
  const open = (blockedBy?: string, registry = createMetrics('worker')) =>
    createApp({ readiness: { blockedBy: () => blockedBy }, registry, report })

  it('report liveness and readiness', async () => {
    expect(await (await open().request('/healthz')).json()).toEqual({ status: 'ok' })
    const ready = await open().request('/readyz')
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }])
    const blocked = await open('Redis does not answer').request('/readyz')
    expect([blocked.status, await blocked.json()]).toEqual([503, { status: 'Redis does not answer' }])
  })

  it('answer 405 to another method, and 404 to another path', async () => {
    const wrong = await open().request('/readyz', { method: 'POST' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, expect.stringContaining('GET')])
    expect((await open().request('/nothing')).status).toBe(404)
  })

  it('answer 500 and report the error if the metrics cannot be collected', async () => {
    const registry = createMetrics('worker')
    const collect = (): never => {
      throw new Error('no figures')
    }
    const gauge = new Gauge({ name: 'broken', help: 'fails', registers: [registry], collect })
    const failed = await open(undefined, registry).request('/metrics')
    expect([failed.status, await failed.json()]).toEqual([500, { status: 'error' }])
    expect(reported).toEqual(['request failed: Error: no figures'])
    registry.removeSingleMetric('broken')
    expect(gauge).toBeDefined()
    const answer = await open(undefined, registry).request('/metrics')
    expect(answer.headers.get('content-type')).toBe(registry.contentType)
    expect(await answer.text()).toContain('process_cpu_seconds_total')
  })
})
