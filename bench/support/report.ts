import Table from 'cli-table3'
import type { Spread } from './spread.ts'

/** One line of the table. */
export interface Row {
  readonly group: string
  readonly what: string
  readonly unit: string
  readonly figures: Spread
  /** The project's target for the median. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number }
}

/** The whole report, as human-readable text. */
export function formatReport(rows: readonly Row[]): string {
  const table = new Table({
    head: ['', 'what', 'min', 'median', 'max', 'unit', 'target'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'left', 'left'],
    style: { head: [], border: [] },
  })
  let group = ''
  for (const row of rows) {
    const { min, median, max } = row.figures
    const cells = [min, median, max].map(formatFigure)
    table.push([row.group === group ? '' : row.group, row.what, ...cells, row.unit, formatTarget(row)])
    group = row.group
  }
  return table.toString()
}

function formatFigure(figure: number): string {
  if (Math.abs(figure) >= 100) return Math.round(figure).toLocaleString('en')
  return figure.toFixed(Math.abs(figure) >= 10 ? 1 : 2)
}

function formatTarget({ target, figures }: Row): string {
  if (target === undefined) return ''
  const isMet = 'atLeast' in target ? figures.median >= target.atLeast : figures.median <= target.atMost
  const bound = 'atLeast' in target ? `≥ ${formatFigure(target.atLeast)}` : `≤ ${formatFigure(target.atMost)}`
  return `${bound} ${isMet ? 'yes' : 'no'}`
}
