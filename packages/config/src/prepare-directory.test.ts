import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { prepareDirectory } from './prepare-directory.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'warmhook directory '))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

it('creates every level, accessible only to its owner, and leaves no files behind', () => {
  const directory = join(home, 'a', 'b', 'c')
  prepareDirectory('DATA_DIR', directory)
  prepareDirectory('DATA_DIR', directory)
  expect(readdirSync(directory)).toEqual([])
  expect(statSync(join(home, 'a')).mode & 0o777).toBe(0o700)
})

it('follows a symbolic link to a directory', () => {
  mkdirSync(join(home, 'target'))
  symlinkSync(join(home, 'target'), join(home, 'link'))
  prepareDirectory('DATA_DIR', join(home, 'link', 'below'))
  expect(readdirSync(join(home, 'target'))).toEqual(['below'])
})

it.each([
  // Node's own recursive mkdir never returns here.
  ['cannot be created: "/proc/warmhook" does not exist', () => '/proc/warmhook/data'],
  ['is not a directory', () => file()],
  ['is inside something that is not a directory', () => join(file(), 'below')],
  ['is inside something that is not a directory', () => join(file(), 'far', 'below')],
  ['is a symbolic link to nothing', () => linkTo('nowhere')],
  ['is a symbolic link to nothing', () => join(linkTo('nowhere'), 'below')],
  ['is a symbolic link to itself', () => linkTo('dangling')],
  ['is too long', () => join(home, 'x'.repeat(300))],
])('refuses a path that %s, naming its variable', (problem, path) => {
  expect(() => prepareDirectory('DATA_DIR', path())).toThrow(/^Invalid configuration:\n {2}- DATA_DIR /)
  expect(() => prepareDirectory('DATA_DIR', path())).toThrow(problem)
})

it('refuses a directory that is not writable for this user', () => {
  const directory = join(home, 'closed')
  mkdirSync(directory)
  // Root may write anywhere, so the check runs as another user.
  chmodSync(home, 0o755)
  chmodSync(directory, 0o500)
  const script = `
    if (process.getuid() === 0) process.setuid(65534)
    const { prepareDirectory } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'prepare-directory.ts')).href)})
    try { prepareDirectory('DATA_DIR', ${JSON.stringify(directory)}) } catch (error) { console.log(error.message) }`
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(printed).toContain('is not accessible to this user')
})

function file(): string {
  const path = join(home, 'file')
  writeFileSync(path, '')
  return path
}

function linkTo(target: string): string {
  const path = join(home, 'dangling')
  rmSync(path, { force: true })
  symlinkSync(target, path)
  return path
}
