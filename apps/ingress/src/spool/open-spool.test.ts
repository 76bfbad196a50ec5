import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSpool, SpoolBusyError, SpoolError, SpoolFullError, type SpooledJob } from './open-spool.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'warmhook-spool-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const job = (id: string, payload = '{}'): SpooledJob => ({ id, name: `job ${id}`, payload })
const idsOf = (jobs: readonly SpooledJob[]): readonly string[] => jobs.map(({ id }) => id)

describe('openSpool', () => {
  it('returns jobs in the order of writing, even after reopening', () => {
    {
      using spool = openSpool({ directory, maxBytes: 1e6 })
      for (const id of ['b', 'a', 'c']) spool.write(job(id, `{"text":"${id} é \\u0000"}`))
      spool.remove(['a'])
    }
    using spool = openSpool({ directory, maxBytes: 1e6 })
    spool.write(job('d'))
    expect(idsOf(spool.oldest(2))).toEqual(['b', 'c'])
    expect(spool.oldest(1)).toEqual([job('b', '{"text":"b é \\u0000"}')])
    expect(spool.size).toBe(3)
  })

  it('stores a job once that is written twice', () => {
    using spool = openSpool({ directory, maxBytes: 1e6 })
    spool.write(job('a', '1'))
    spool.write(job('a', '2'))
    expect([spool.size, spool.oldest(9)]).toEqual([1, [job('a', '1')]])
  })

  it('allows only one process', () => {
    using spool = openSpool({ directory, maxBytes: 1e6 })
    expect(() => openSpool({ directory, maxBytes: 1e6 })).toThrow(SpoolError)
    expect(() => openSpool({ directory, maxBytes: 1e6 })).toThrow(/its own SPOOL_DIR/)
    expect(spool.size).toBe(0)
  })

  it('keeps its id, and counts the processes that have opened it', () => {
    const seen: { readonly id: string; readonly turn: number }[] = []
    for (let turn = 1; turn <= 3; turn += 1) {
      using spool = openSpool({ directory, maxBytes: 1e6 })
      spool.write(job(`${turn}`))
      seen.push({ id: spool.id, turn: spool.turn })
      expect(spool.ids()).toEqual(Array.from({ length: turn }, (_, n) => `${n + 1}`))
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1)
    expect(seen.map(({ turn }) => turn)).toEqual([1, 2, 3])
  })

  it('stays with the process that uses it, however often another one tries', () => {
    using spool = openSpool({ directory, maxBytes: 1e6 })
    for (let tries = 0; tries < 50; tries += 1) {
      expect(() => openSpool({ directory, maxBytes: 1e6 })).toThrow(SpoolBusyError)
      spool.write(job(`${tries}`))
    }
    expect(spool.ids()).toHaveLength(50)
  })

  it('opens when it is full, and lets jobs be removed', () => {
    {
      using spool = openSpool({ directory, maxBytes: 128 * 1024 })
      expect(() => {
        for (let n = 0; ; n += 1) spool.write(job(`${n}`, 'x'.repeat(500)))
      }).toThrow(SpoolFullError)
    }
    using spool = openSpool({ directory, maxBytes: 128 * 1024 })
    const before = spool.size
    spool.remove(idsOf(spool.oldest(3)))
    expect(spool.size).toBe(before - 3)
  })

  it('rejects jobs beyond its size limit, keeps the others, and has room again after a removal', () => {
    using spool = openSpool({ directory, maxBytes: 256 * 1024 })
    const written: string[] = []
    const fill = (): void => {
      for (let n = 0; n < 100; n += 1) {
        spool.write(job(`${n}`, 'x'.repeat(10_000)))
        written.push(`${n}`)
      }
    }
    expect(fill).toThrow(SpoolFullError)
    expect(spool.hasRoom).toBe(false)
    expect(written.length).toBeGreaterThan(10)
    expect(idsOf(spool.oldest(100))).toEqual(written)
    spool.remove(written.slice(0, 5))
    expect(spool.hasRoom).toBe(true)
    spool.write(job('again', 'x'.repeat(10_000)))
    expect(spool.size).toBe(written.length - 4)
  })

  it('frees the disk space with the last removal, and then observes a lower limit', () => {
    {
      using spool = openSpool({ directory, maxBytes: 2 ** 26 })
      for (let n = 0; n < 100; n += 1) spool.write(job(`${n}`, 'x'.repeat(50_000)))
      spool.remove(idsOf(spool.oldest(100)))
      const sizes = readdirSync(directory).map((file) => statSync(join(directory, file)).size)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200_000)
    }
    using spool = openSpool({ directory, maxBytes: 2 ** 20 })
    expect(() => {
      for (let n = 0; n < 100; n += 1) spool.write(job(`${n}`, 'x'.repeat(50_000)))
    }).toThrow(SpoolFullError)
  })

  it('reports why a directory cannot be used', async () => {
    const file = join(directory, 'file')
    await writeFile(file, '')
    expect(() => openSpool({ directory: join(file, 'spool'), maxBytes: 1e6 })).toThrow(/can't be opened: ENOTDIR/)
  })

  it('contains every job that was confirmed to a killed process', async () => {
    const writer = resolve(import.meta.dirname, 'fixtures/write-until-killed.ts')
    const child = spawn(process.execPath, [writer, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
    const told: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      told.push(line)
      if (told.length === 200) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    using spool = openSpool({ directory, maxBytes: 1e8 })
    const found = idsOf(spool.oldest(100_000))
    expect(found.slice(0, told.length)).toEqual(told)
    // The job that was being written may be there, too.
    expect(found.length - told.length).toBeLessThanOrEqual(1)
  })
})
