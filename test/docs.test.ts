import { glob, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', 'CONTRIBUTING.md', 'bench/README.md', 'docs/**/*.md']
const sources = '{apps,packages,test,bench,scripts,deploy}/**/*.{ts,tsx,mjs}'
// A file name or the end of a path, in backquotes.
const citation = /`([\w./-]+\.(?:ts|tsx|mjs))`/g
// The target of a Markdown link within the repository: a path, a heading's anchor, or both.
const link = /\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g

/** The anchors that GitHub generates for a page's headings. */
function anchorsOf(markdown: string): readonly string[] {
  return markdown
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .matchAll(/^#+ (.+)$/gm)
    .map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    .toArray()
}

describe('the documentation', () => {
  let files: readonly string[]
  const texts = new Map<string, string>()

  beforeAll(async () => {
    const found = await Array.fromAsync(glob(sources, { cwd: root, exclude: (name) => name.includes('node_modules') }))
    files = found.toSorted()
    for await (const page of glob(pages, { cwd: root })) texts.set(page, await readFile(join(root, page), 'utf8'))
  })

  it('refers only to files that exist', () => {
    const names = new Set(files.map((file) => basename(file)))
    const isThere = (path: string): boolean =>
      path.includes('/') ? files.some((file) => `/${file}`.endsWith(`/${path}`)) : names.has(path)
    const missing: string[] = []
    for (const [page, text] of texts) {
      for (const [, path = ''] of text.matchAll(citation)) if (!isThere(path)) missing.push(`${page}: ${path}`)
    }
    expect(missing).toEqual([])
  })

  it('links only to pages and headings that exist', async () => {
    const broken: string[] = []
    for (const [page, text] of texts) {
      for (const [, path = '', anchor] of text.matchAll(link)) {
        const target = path === '' ? page : join(dirname(page), path)
        if (texts.has(target)) {
          if (anchor !== undefined && !anchorsOf(texts.get(target) ?? '').includes(anchor))
            broken.push(`${page}: ${path}#${anchor}`)
        } else if ((await Array.fromAsync(glob(target, { cwd: root }))).length === 0) broken.push(`${page}: ${path}`)
      }
    }
    expect(broken).toEqual([])
  })
})
