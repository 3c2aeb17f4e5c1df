import type { Series } from '../prometheus.ts'
import { written } from './units.ts'

/** A line and what stands beside it. */
export interface DrawnSeries {
  readonly name: string
  readonly points: Series['points']
}

export interface PlotPanel {
  readonly unit: string
  readonly isStacked: boolean
  /** Where the bound of an alert is drawn. */
  readonly limit: number | undefined
  readonly min: number | undefined
}

export interface Frame {
  readonly width: number
  readonly height: number
  readonly startS: number
  readonly endS: number
  /** From one point to the next; where more is between them, nothing was seen. */
  readonly stepS: number
}

const COLORS = [
  '#2f7ed8',
  '#d9772b',
  '#3a9d5d',
  '#b5509c',
  '#8a6d3b',
  '#c0392b',
  '#16808a',
  '#7a62c9',
  '#6b7280',
  '#b8960c',
]
const LEFT = 62
const BOTTOM = 18
const TOP = 6
const LINES = 4
const SECONDS_IN_MINUTE = 60

export const colorOf = (at: number): string => COLORS[at % COLORS.length] ?? '#000'

/** Lines, or areas on top of each other, with their axes. */
export function plot(series: readonly DrawnSeries[], panel: PlotPanel, frame: Frame): string {
  const layers = panel.isStacked ? stacked(series) : series.map(({ points }) => ({ lower: undefined, points }))
  const values = layers.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite)
  const [low, high] = boundsOf(values, panel)
  const x = (timeS: number) => LEFT + ((timeS - frame.startS) / (frame.endS - frame.startS)) * (frame.width - LEFT - 6)
  const y = (value: number) => frame.height - BOTTOM - ((value - low) / (high - low)) * (frame.height - BOTTOM - TOP)
  const path = (points: Series['points']) => pathOf(points, x, y, frame.stepS)
  const shapes = layers.map(({ lower, points }, at) => {
    const line = `<path d="${path(points)}" fill="none" stroke="${colorOf(at)}" stroke-width="1.3" stroke-linecap="round"/>`
    if (lower === undefined || points.length === 0) return line
    const back = pathOf(lower.toReversed(), x, y, frame.stepS).replace('M', 'L')
    return `<path d="${path(points)} ${back} Z" fill="${colorOf(at)}" fill-opacity="0.3"/>${line}`
  })
  return `<svg width="${frame.width}" height="${frame.height}">${[
    ...grid(low, high, panel.unit, frame, y),
    ...times(frame, x),
    ...shapes,
    ...(panel.limit !== undefined && panel.limit <= high
      ? [
          `<line x1="${LEFT}" x2="${frame.width - 6}" y1="${y(panel.limit)}" y2="${y(panel.limit)}" stroke="#d33" stroke-dasharray="5 4"/>`,
        ]
      : []),
  ].join('')}</svg>`
}

function pathOf(
  points: Series['points'],
  x: (timeS: number) => number,
  y: (value: number) => number,
  stepS: number,
): string {
  let lastS = Number.NEGATIVE_INFINITY
  return points
    .map(([timeS, value]) => {
      if (!Number.isFinite(value)) return ''
      const isApart = timeS - lastS > 2 * stepS
      lastS = timeS
      // A point with nothing beside it is a dot.
      return isApart
        ? `M${x(timeS).toFixed(1)} ${y(value).toFixed(1)}h0.01`
        : `L${x(timeS).toFixed(1)} ${y(value).toFixed(1)}`
    })
    .join('')
}

interface Layer {
  readonly lower: Series['points'] | undefined
  readonly points: Series['points']
}

function stacked(series: readonly DrawnSeries[]): readonly Layer[] {
  const times = [...new Set(series.flatMap(({ points }) => points.map(([timeS]) => timeS)))].sort((a, b) => a - b)
  let lower: Series['points'] = times.map((timeS) => [timeS, 0] as const)
  return series.map(({ points }) => {
    const own = new Map(points)
    const upper = lower.map(([timeS, value]) => [timeS, value + finite(own.get(timeS))] as const)
    const layer = { lower, points: upper }
    lower = upper
    return layer
  })
}

function finite(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0
}

function boundsOf(values: readonly number[], { min, limit }: PlotPanel): [number, number] {
  const high = Math.max(...values, 0)
  const low = Math.min(...values, min ?? Number.POSITIVE_INFINITY, 0)
  // A bound that is far away would press everything else flat.
  const shown = limit !== undefined && limit < high * 3 ? Math.max(high, limit) : high
  const span = shown - low
  return span === 0 ? [low, low + 1] : [low === 0 ? 0 : low - span * 0.05, shown + span * 0.08]
}

function grid(low: number, high: number, unit: string, { width }: Frame, y: (value: number) => number): string[] {
  const step = niceStep((high - low) / LINES, unit)
  const lines: string[] = []
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
    const at = y(value).toFixed(1)
    lines.push(
      `<line x1="${LEFT}" x2="${width - 6}" y1="${at}" y2="${at}" stroke="#e5e7eb"/>`,
      `<text x="${LEFT - 6}" y="${Number(at) + 4}" text-anchor="end">${written(Math.abs(value) < step / 1e6 ? 0 : value, unit)}</text>`,
    )
  }
  return lines
}

function niceStep(raw: number, unit: string): number {
  const base = unit === 'bytes' || unit === 'Bps' ? 2 : 10
  const power = base ** Math.floor(Math.log(raw) / Math.log(base))
  const factors = base === 2 ? [1, 2] : [1, 2, 2.5, 5, 10]
  return power * (factors.find((factor) => power * factor >= raw) ?? base)
}

function times({ startS, endS, height }: Frame, x: (timeS: number) => number): string[] {
  const minutes = (endS - startS) / SECONDS_IN_MINUTE
  const stepS = minutes > 6 ? 2 * SECONDS_IN_MINUTE : minutes > 2 ? SECONDS_IN_MINUTE : SECONDS_IN_MINUTE / 2
  const labels: string[] = []
  for (let timeS = Math.ceil(startS / stepS) * stepS; timeS < endS - stepS / 4; timeS += stepS) {
    const text = new Date(timeS * 1000).toISOString().slice(11, stepS < SECONDS_IN_MINUTE ? 19 : 16)
    labels.push(`<text x="${x(timeS)}" y="${height - 4}" text-anchor="middle">${text}</text>`)
  }
  return labels
}
