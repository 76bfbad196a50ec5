import { isObject, type Payload } from './classify-answer.ts'
import { pick } from './pick.ts'

/** The query of the next page, null after the last page, or why the answer's paging can't be followed. */
export type NextPage =
  | { readonly ok: true; readonly token: string | null }
  | { readonly ok: false; readonly problem: string }

/** Longer queries are no cursor. */
const maxToken = 2_048
const maxPages = 1_000_000

/**
 * Finds the page after the one at `url`: from a link, otherwise from the number of the last page.
 *
 * @param pages the parts of the answer that can describe its paging
 */
export function readNextPage(pages: readonly Payload[], url: URL): NextPage {
  const link = findLink(pages)
  const next = link === undefined ? toNextNumber(pages, url) : toSameList(link, url)
  if (next === undefined) return { ok: true, token: null }
  if (next === 'unclear') return { ok: false, problem: "the numbers of the list's pages are not clear" }
  if (next === 'elsewhere') return { ok: false, problem: 'the link to the next page leaves the list of campaigns' }
  const token = next.search.slice(1)
  if (token.length > maxToken) return { ok: false, problem: 'the link to the next page is too long' }
  // It would never end.
  if (isSameQuery(next, url)) return { ok: false, problem: 'the next page of the list is the same page' }
  return { ok: true, token }
}

/** Undefined on the last page. */
function findLink(pages: readonly Payload[]): unknown {
  const links = pages.flatMap((page) => {
    const list = page['links']
    return [pick(page, 'nextPageUrl', 'next_page_url'), isObject(list) ? pick(list, 'next') : undefined]
  })
  return links.find((link) => link !== undefined && link !== '')
}

/** The link must lead to the list itself: the key is sent with it, and other paths do things. */
function toSameList(link: unknown, url: URL): URL | 'elsewhere' {
  const next = typeof link === 'string' ? URL.parse(link, url.href) : null
  if (next === null) return 'elsewhere'
  // Written by a server behind a TLS proxy. The call itself uses the scheme of the base URL.
  if (url.protocol === 'https:' && next.protocol === 'http:') next.protocol = 'https:'
  const isSame = next.origin === url.origin && toPath(next) === toPath(url) && next.username + next.password === ''
  return isSame ? next : 'elsewhere'
}

function toNextNumber(pages: readonly Payload[], url: URL): URL | 'unclear' | undefined {
  const last = readNumber(pages, 'lastPage', 'last_page')
  if (last === undefined) return undefined
  const current = readNumber(pages, 'currentPage', 'current_page') ?? Number(url.searchParams.get('page') ?? 1)
  if (Number.isNaN(last) || Number.isNaN(current)) return 'unclear'
  if (current >= last) return undefined
  const next = new URL(url)
  next.searchParams.set('page', String(current + 1))
  return next
}

/** NaN if the value is no number of a page. */
function readNumber(pages: readonly Payload[], ...keys: readonly string[]): number | undefined {
  const value = pages.map((page) => pick(page, ...keys)).find((found) => found !== undefined)
  if (value === undefined) return undefined
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  const isPage = typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= maxPages
  return isPage ? number : Number.NaN
}

function isSameQuery(a: URL, b: URL): boolean {
  const [left, right] = [a, b].map(({ searchParams }) => {
    const sorted = new URLSearchParams(searchParams)
    sorted.sort()
    return sorted.toString()
  })
  return left === right
}

function toPath({ pathname }: URL): string {
  return pathname.replace(/\/+$/, '')
}
