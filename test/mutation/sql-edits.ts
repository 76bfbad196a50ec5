import type { SyntaxNode } from './syntax-node.ts'

interface SqlEdit {
  readonly start: number
  readonly end: number
  readonly replacement: string
}

// Keywords, and operators surrounded by white space; matches inside quoted strings are rare enough to ignore.
const rules: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/(?<=\s)<(?=\s)/g, '<='],
  [/(?<=\s)<=(?=\s)/g, '<'],
  [/(?<=\s)>(?=\s)/g, '>='],
  [/(?<=\s)>=(?=\s)/g, '>'],
  [/(?<=\s)=(?=\s)/g, '<>'],
  [/(?<=\s)<>(?=\s)/g, '='],
  [/\bAND\b/g, 'OR'],
  [/\bOR\b(?! REPLACE)/g, 'AND'],
  [/\bIS NULL\b/g, 'IS NOT NULL'],
  [/\bIS NOT NULL\b/g, 'IS NULL'],
  [/\bNOT EXISTS\b/g, 'EXISTS'],
  [/\bDESC\b/g, 'ASC'],
  [/\bUNION ALL\b/g, 'EXCEPT ALL'],
]

/** Mutations of the SQL in a template tagged `sql`. */
export function sqlEdits(node: SyntaxNode, text: string): readonly SqlEdit[] {
  const tag = node['tag'] as SyntaxNode
  if (!/^sql\b/.test(text.slice(tag.start, tag.end))) return []
  const { quasis } = node['quasi'] as SyntaxNode & { readonly quasis: readonly SyntaxNode[] }
  return quasis.flatMap(({ start, end }) =>
    rules.flatMap(([pattern, replacement]) =>
      [...text.slice(start, end).matchAll(pattern)].map((match) => ({
        start: start + match.index,
        end: start + match.index + match[0].length,
        replacement,
      })),
    ),
  )
}
