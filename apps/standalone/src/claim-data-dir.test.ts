import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimDataDir } from './claim-data-dir.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'warmhook claim '))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

describe('claimDataDir', () => {
  it('claims a directory whose owner’s process id now belongs to another program', async () => {
    await writeFile(join(dataDir, 'warmhook.pid'), `${process.ppid}\n`)
    using claim = claimDataDir(dataDir)
    expect(claim).toBeDefined()
  })

  it('rejects a directory that another process uses, even one with the same process id, as in another container', async () => {
    const owner = spawn(process.execPath, ['--input-type=module', '-e', claimer(dataDir)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(owner.stdout, 'data')
    expect(() => claimDataDir(dataDir)).toThrow(`process ${owner.pid}) already uses ${dataDir}`)
    await writeFile(join(dataDir, 'warmhook.pid'), `${process.pid}\n`)
    expect(() => claimDataDir(dataDir)).toThrow('already uses')
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    using claim = claimDataDir(dataDir)
    expect(claim).toBeDefined()
  })
})

function claimer(directory: string): string {
  return `
    const { claimDataDir } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'claim-data-dir.ts')).href)})
    const claim = await claimDataDir(${JSON.stringify(directory)})
    console.log('claimed')
    setInterval(() => claim, 60_000)`
}
