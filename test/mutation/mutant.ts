/** One change in one place of a file. */
export interface Mutant {
  /** Relative to the repository's root. */
  readonly path: string
  /** Offsets in the file's text, in UTF-16 code units. */
  readonly start: number
  readonly end: number
  readonly replacement: string
  readonly line: number
}

/** The file's text with the mutant applied. */
export function applyMutant(text: string, { start, end, replacement }: Mutant): string {
  return text.slice(0, start) + replacement + text.slice(end)
}

/** `path:line: before → after`, on one line. */
export function describeMutant(text: string, { path, line, start, end, replacement }: Mutant): string {
  return `${path}:${line}: ${oneLine(text.slice(start, end))} → ${oneLine(replacement)}`
}

function oneLine(code: string): string {
  const line = code.replaceAll(/\s+/g, ' ').trim()
  if (line === '') return '(nothing)'
  return line.length > 80 ? `${line.slice(0, 80)}…` : line
}
