import { parseSync, visitorKeys } from 'oxc-parser'
import type { Mutant } from './mutant.ts'
import { sqlEdits } from './sql-edits.ts'
import type { SyntaxNode } from './syntax-node.ts'

interface Edit {
  readonly start: number
  readonly end: number
  readonly replacement: string
}

/**
 * All mutants of a file: comparisons, conditions, arithmetic, literals, whole statements, and conditions in SQL.
 * Types, imports and log calls are not mutated, since no test has to detect such changes.
 */
export function mutantsOf(path: string, text: string): readonly Mutant[] {
  const lineOf = createLineFinder(text)
  const edits: Edit[] = []
  visit(parseSync(path, text).program as unknown as SyntaxNode, (node) => edits.push(...editsOf(node, text)))
  return edits.map((edit) => ({ ...edit, path, line: lineOf(edit.start) }))
}

const untouched = /^(TS(?!(As|NonNull|Satisfies)Expression)|Import|ExportAll)/

function visit(node: SyntaxNode, see: (node: SyntaxNode) => void): void {
  if (untouched.test(node.type) || isLogCall(node)) return
  see(node)
  for (const key of visitorKeys[node.type] ?? []) {
    const child = node[key]
    for (const part of Array.isArray(child) ? (child as readonly unknown[]) : [child])
      if (isNode(part)) visit(part, see)
  }
}

function editsOf(node: SyntaxNode, text: string): readonly Edit[] {
  switch (node.type) {
    case 'BinaryExpression':
      return replaceOperator(node, text, binaryOperators)
    case 'LogicalExpression':
      return replaceOperator(node, text, logicalOperators)
    case 'ConditionalExpression':
    case 'IfStatement':
      return toNode(node['test']).flatMap((test) =>
        ['true', 'false'].map((replacement) => ({ ...placeOf(test), replacement })),
      )
    case 'UnaryExpression':
      return node['operator'] === '!' ? [{ start: node.start, end: node.start + 1, replacement: '' }] : []
    case 'Literal':
      return literalEdits(node)
    case 'ExpressionStatement':
      return removableStatement(node)
    case 'CallExpression':
      return callEdits(node, text)
    case 'TaggedTemplateExpression':
      return sqlEdits(node, text)
    default:
      return []
  }
}

const binaryOperators: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '==': '!=',
  '!=': '==',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
}
const logicalOperators: Readonly<Record<string, string>> = { '&&': '||', '||': '&&', '??': '&&' }

function replaceOperator(node: SyntaxNode, text: string, operators: Readonly<Record<string, string>>): readonly Edit[] {
  const operator = String(node['operator'])
  const replacement = operators[operator]
  const [left, right] = [...toNode(node['left']), ...toNode(node['right'])]
  if (replacement === undefined || left === undefined || right === undefined) return []
  // `+` on strings is concatenation; subtracting strings is a bug that any call reveals.
  if (operator === '+' && [left, right].some(isText)) return []
  const start = text.indexOf(operator, left.end)
  return [{ start, end: start + operator.length, replacement }]
}

function literalEdits(node: SyntaxNode): readonly Edit[] {
  const { value } = node
  if (typeof value === 'boolean') return [{ ...placeOf(node), replacement: String(!value) }]
  if (typeof value !== 'number') return []
  // Large numbers are durations or sizes, for which a small change is not a bug.
  return [{ ...placeOf(node), replacement: String(value >= 256 ? 0 : value + 1) }]
}

/** A call or an assignment with an unused value is there for its effect. */
function removableStatement(node: SyntaxNode): readonly Edit[] {
  const [expression] = toNode(node['expression'])
  const effects = ['CallExpression', 'AwaitExpression', 'AssignmentExpression', 'UpdateExpression']
  return expression !== undefined && effects.includes(expression.type) && !isLogCall(expression)
    ? [{ ...placeOf(node), replacement: ';' }]
    : []
}

const calls: ReadonlyMap<string, string> = new Map([
  ['max', 'min'],
  ['min', 'max'],
  ['some', 'every'],
  ['every', 'some'],
])

function callEdits(node: SyntaxNode, text: string): readonly Edit[] {
  const [callee] = toNode(node['callee'])
  const [property] = toNode(callee?.['property'])
  if (callee?.type !== 'MemberExpression' || property === undefined) return []
  const replacement = calls.get(text.slice(property.start, property.end))
  return replacement === undefined ? [] : [{ ...placeOf(property), replacement }]
}

function isLogCall(node: SyntaxNode): boolean {
  if (node.type !== 'CallExpression') return false
  const [object] = toNode(toNode(node['callee'])[0]?.['object'])
  return object?.['name'] === 'log' || toNode(object?.['property'])[0]?.['name'] === 'log'
}

function isText(node: SyntaxNode): boolean {
  return node.type === 'TemplateLiteral' || typeof node['value'] === 'string'
}

function placeOf({ start, end }: SyntaxNode): Pick<Edit, 'start' | 'end'> {
  return { start, end }
}

function toNode(value: unknown): readonly SyntaxNode[] {
  return isNode(value) ? [value] : []
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function createLineFinder(text: string): (offset: number) => number {
  return (offset) => text.slice(0, offset).split('\n').length
}
