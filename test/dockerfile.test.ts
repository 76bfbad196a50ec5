import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import dockerignore from '@balena/dockerignore'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const dockerfile = readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8')
const ignored = dockerignore.default().add(readFileSync(join(root, '.dockerignore'), 'utf8'))

/** The paths that COPY and ADD take from the build context; folders end in a slash. */
function contextSources(text: string): readonly string[] {
  const instructions = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
  return instructions.flatMap((instruction) => {
    const [name = '', ...words] = instruction.trim().split(/\s+/)
    if (!/^(copy|add)$/i.test(name) || words.some((word) => word.startsWith('--from='))) return []
    return words.filter((word) => !word.startsWith('--')).slice(0, -1)
  })
}

describe('deploy/Dockerfile', () => {
  const sources = contextSources(dockerfile)

  it.each(sources)('finds %s in the build context', (source) => {
    expect(existsSync(join(root, source)), `${source} exists`).toBe(true)
    // An excluded folder may contain files that are not excluded, which are copied.
    const kept = statSync(join(root, source)).isDirectory() ? join(source, 'package.json') : source
    expect(ignored.ignores(source) && ignored.ignores(kept), `.dockerignore excludes ${source}`).toBe(false)
  })

  it('copies the package.json of every workspace in package-lock.json', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: object }
    const workspaces = Object.keys(packages).filter((path) => path !== '' && !path.startsWith('node_modules/'))
    const copied = (path: string): boolean =>
      sources.some((source) => path === source || path.startsWith(`${source.replace(/\/$/, '')}/`)) &&
      !ignored.ignores(path)
    expect(workspaces.map((path) => join(path, 'package.json')).filter((path) => !copied(path))).toEqual([])
  })

  it('keeps tests, secrets and installed packages out of the image', () => {
    const unwanted = [
      '.env',
      '.git/config',
      '.warmhook/secrets.json',
      'node_modules/node/bin/node',
      'apps/cli/node_modules/x',
    ]
    const tests = ['apps/board/src/app.test.ts', 'apps/board/src/fixtures/open-test-board.ts', 'bench/main.ts']
    expect([...unwanted, ...tests].filter((path) => !ignored.ignores(path))).toEqual([])
  })

  it('needs no Dockerfile frontend from a registry', () => {
    expect(dockerfile).not.toMatch(/^#\s*syntax\s*=/im)
  })
})
