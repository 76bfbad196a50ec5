import { glob, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', 'CONTRIBUTING.md', 'bench/README.md', 'docs/**/*.md']
const sources = '{apps,packages,test,bench,scripts,deploy}/**/*.{ts,tsx,mjs}'
// A file's name, or the end of its path, in backquotes.
const citation = /`([\w./-]+\.(?:ts|tsx|mjs))`/g

describe('the documentation', () => {
  let files: readonly string[]

  beforeAll(async () => {
    const found = await Array.fromAsync(glob(sources, { cwd: root, exclude: (name) => name.includes('node_modules') }))
    files = found.toSorted()
  })

  it('names only files that exist', async () => {
    const names = new Set(files.map((file) => basename(file)))
    const isThere = (path: string): boolean =>
      path.includes('/') ? files.some((file) => `/${file}`.endsWith(`/${path}`)) : names.has(path)
    const missing: string[] = []
    for await (const page of glob(pages, { cwd: root })) {
      for (const [, path = ''] of (await readFile(join(root, page), 'utf8')).matchAll(citation))
        if (!isThere(path)) missing.push(`${page}: ${path}`)
    }
    expect(missing).toEqual([])
  })
})
