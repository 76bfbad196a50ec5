import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lockFile } from './lock-file.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'warmhook lock '))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('lockFile', () => {
  it('has one holder at a time, and can be released twice', () => {
    const path = join(directory, 'one')
    const lock = lockFile(path)
    expect(lock).toBeDefined()
    expect(lockFile(path)).toBeUndefined()
    lock?.[Symbol.dispose]()
    lock?.[Symbol.dispose]()
    using again = lockFile(path)
    expect(again).toBeDefined()
  })

  it('is released when its process is killed', async () => {
    const path = join(directory, 'two')
    const module = pathToFileURL(join(import.meta.dirname, 'lock-file.ts')).href
    const script = `
      const { lockFile } = await import(${JSON.stringify(module)})
      const lock = lockFile(${JSON.stringify(path)})
      console.log(lock === undefined ? 'taken' : 'locked')
      setInterval(() => lock, 60_000)`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    expect(String((await once(holder.stdout, 'data'))[0])).toBe('locked\n')
    expect(lockFile(path)).toBeUndefined()
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    using lock = lockFile(path)
    expect(lock).toBeDefined()
  })

  it('throws if the file cannot be created', () => {
    expect(() => lockFile(join(directory, 'missing', 'three'))).toThrow(/unable to open/)
  })
})
