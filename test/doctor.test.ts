import { eventually } from '@warmhook/testing/eventually'
import { spawnApp } from '@warmhook/testing/spawn-app'
import { describe, expect, it } from 'vitest'
import { startInstallation } from './support/start-installation.ts'

interface Finding {
  readonly check: string
  readonly level: string
  readonly message: string
  readonly advice?: string
}

async function examine(env: Readonly<Record<string, string>>): Promise<{ code: number | null; findings: Finding[] }> {
  await using doctor = await spawnApp('apps/cli/src/main.ts', env, { args: ['doctor', '--json'] })
  const { code } = await doctor.exited
  return { code, findings: JSON.parse(doctor.output()) as Finding[] }
}

describe('warmhook doctor', () => {
  it('reports no problem in a healthy installation, and shows its ledger', async () => {
    await using site = await startInstallation()
    await site.send('{"type":"campaign.updated","account":{"campaign_id":1}}')
    await site.send('not JSON')
    await site.settled(2)
    const { code, findings } = await examine(site.env)
    expect(findings.filter(({ level }) => level === 'problem')).toEqual([])
    expect(code).toBe(0)
    const ledger = findings.filter(({ check }) => check === 'ledger').map(({ message }) => message)
    expect(ledger).toEqual([
      '2 accepted = 1 processed + 0 duplicate + 1 quarantined + 0 dead + 0 in flight',
      'webhooks in quarantine: 1',
    ])
  })

  it('reports a stopped worker even if no job is waiting, and a handler that is not configured', async () => {
    await using site = await startInstallation()
    const queuesOf = ({ findings }: { readonly findings: readonly Finding[] }) =>
      findings
        .filter(({ check }) => check === 'queues')
        .map(({ message, level }) => `${message.split(':', 1)[0]} ${level}`)
        .toSorted((a, b) => Number(unconfigured.includes(a)) - Number(unconfigured.includes(b)))
    const unconfigured = ['reconcile ok', 'read-back ok', 'warmup-start ok', 'crm-sync ok', 'notify ok']
    const running = await eventually(async () => {
      const report = await examine(site.env)
      expect(report.code).toBe(0)
      return report
    })
    expect(queuesOf(running)).toEqual(['intake ok', 'pause-tracking ok', ...unconfigured])
    expect(running.findings.map(({ message }) => message)).toContain('notify: not configured')
    await site.worker[Symbol.asyncDispose]()
    const gone = await examine(site.env)
    expect(gone.code).toBe(1)
    expect(queuesOf(gone)).toEqual(['intake problem', 'pause-tracking problem', ...unconfigured])
    expect(gone.findings.find(({ message }) => message.startsWith('intake'))).toMatchObject({
      message: expect.stringContaining('no worker processes this queue'),
      advice: 'Start a worker, or add the queue to its WORKER_QUEUES.',
    })
  })

  it('reports unreachable servers with advice', async () => {
    const { code, findings } = await examine({
      REDIS_URL: 'redis://127.0.0.1:1',
      DATABASE_URL: 'postgres://x@127.0.0.1:1/x',
    })
    expect(code).toBe(1)
    expect(findings.find(({ check }) => check === 'redis')).toEqual({
      check: 'redis',
      level: 'problem',
      message: 'could not be checked: Redis does not answer',
      advice: 'Make sure that Redis is running at REDIS_URL and reachable from here.',
    })
    expect(findings.find(({ check }) => check === 'postgres')).toMatchObject({ level: 'problem' })
  })
})
