import { LineCounter, parseDocument, isMap, isNode, isScalar } from 'yaml'

/** The data of a YAML text, with line numbers. */
export interface YamlFile {
  readonly ok: true
  readonly value: unknown
  /** The line of the node at a path, or of its nearest ancestor. */
  readonly lineOf: (path: readonly PropertyKey[]) => number
  /** The line of the last key of a path, or of the nearest one before it. */
  readonly keyLineOf: (path: readonly PropertyKey[]) => number
}

export interface YamlProblem {
  readonly line: number
  readonly reason: string
}

/** Reads one document. Problems give the line and the kind of error but never quote the text, which may contain secrets. */
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
      keyLineOf: (path) => {
        for (let length = path.length; length > 0; length -= 1) {
          const parent = document.getIn(path.slice(0, length - 1), true)
          const keys = isMap(parent) ? parent.items.map(({ key }) => key) : []
          const key = keys.find((each) => isScalar(each) && each.value === path[length - 1])
          if (isNode(key) && key.range) return lines.linePos(key.range[0]).line
        }
        return 1
      },
    }
  } catch {
    // The library's message quotes the alias, which can be any text.
    return { ok: false, problems: [{ line: 1, reason: 'an alias is undefined or expands to too much' }] }
  }
}
