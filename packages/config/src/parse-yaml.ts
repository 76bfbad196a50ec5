import { LineCounter, parseDocument, isNode } from 'yaml'

/** A YAML text as data that remembers its lines. */
export interface YamlFile {
  readonly ok: true
  readonly value: unknown
  /** The line of what stands at a path, or of the nearest thing around it. */
  readonly lineOf: (path: readonly PropertyKey[]) => number
}

export interface YamlProblem {
  readonly line: number
  readonly reason: string
}

/** Reads one document. What is wrong is told by line and kind, never by a quote of the text, which may hold secrets. */
export function parseYaml(text: string): YamlFile | { readonly ok: false; readonly problems: readonly YamlProblem[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: 'error',
  })
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0)
    return {
      ok: false,
      problems: faults.map(({ code, pos }) => {
        const { line, col } = lines.linePos(pos[0])
        return { line, reason: `not valid YAML at column ${col} (${code.toLowerCase().replaceAll('_', ' ')})` }
      }),
    }
  try {
    return {
      ok: true,
      value: document.toJS(),
      lineOf: (path) => {
        for (let length = path.length; length > 0; length -= 1) {
          const node = document.getIn(path.slice(0, length), true)
          if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
        }
        return 1
      },
    }
  } catch {
    // Its message names the alias, and any text can stand in a name.
    return { ok: false, problems: [{ line: 1, reason: 'an alias leads nowhere, or to too much' }] }
  }
}
