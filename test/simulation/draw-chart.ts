/** One line of a chart: a value for each step. */
export interface Series {
  readonly name: string
  readonly colour: string
  readonly values: readonly number[]
}

const size = { width: 860, height: 320, left: 56, right: 20, top: 48, bottom: 36 }
const steps = 5
const maxPoints = 430

/** Draws wrong mailboxes over time as an SVG document. `stepMinutes` is the time between two values. */
export function drawChart(title: string, series: readonly Series[], stepMinutes: number): string {
  const { width, height, left, right, top, bottom } = size
  const count = Math.max(2, ...series.map(({ values }) => values.length))
  const highest = niceCeiling(Math.max(1, ...series.flatMap(({ values }) => values)))
  const x = (index: number): number => left + (index / (count - 1)) * (width - left - right)
  const y = (value: number): number => height - bottom - (value / highest) * (height - top - bottom)
  const grid = Array.from({ length: steps + 1 }, (_, index) => (highest * index) / steps).map(
    (value) =>
      `<line x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>` +
      `<text x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
  )
  const hours = (count * stepMinutes) / 60
  const times = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<text x="${x(share * (count - 1))}" y="${height - 12}" text-anchor="middle">${Math.round(share * hours)} h</text>`,
  )
  const lines = series.map(({ colour, values }) => {
    const points = thin(values).map(([index, value]) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`)
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points.join(' ')}"/>`
  })
  const legend = series.map(
    ({ name, colour }, index) =>
      `<rect x="${left + index * 220}" y="28" width="12" height="12" fill="${colour}"/>` +
      `<text x="${left + index * 220 + 18}" y="38">${name}</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="18" font-weight="bold">${title}</text>`,
    ...grid,
    ...times,
    ...lines,
    ...legend,
    '</svg>',
    '',
  ].join('\n')
}

/** The highest value of each part, so that no peak is lost. */
function thin(values: readonly number[]): readonly (readonly [number, number])[] {
  const perPoint = Math.ceil(values.length / maxPoints)
  return Array.from({ length: Math.ceil(values.length / perPoint) }, (_, part) => {
    const from = part * perPoint
    return [from, Math.max(...values.slice(from, from + perPoint))] as const
  })
}

/** The next of 5, 10, 25, 50, 100 … */
function niceCeiling(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value))
  return (
    [0.5, 1, 2.5, 5, 10].map((factor) => factor * magnitude).find((limit) => limit >= value && limit % steps === 0) ??
    10 * magnitude
  )
}
