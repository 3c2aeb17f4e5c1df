import { type DurationMs, MINUTE, type TimestampMs } from '../../base/clock.ts'
import { type Html, html, join, NOTHING } from './html.ts'

export interface PlotPoint {
  readonly atMs: TimestampMs
  readonly value: number
}

export interface PlotSeries {
  readonly name: string
  readonly points: readonly PlotPoint[]
}

export interface PlotOptions {
  readonly title: string
  /** A value in words, such as "1,010 KiB"; without `|`, which divides them in the page. */
  readonly told: (value: number) => string
  /** Where the scale ends for these values. */
  readonly ceiling: (most: number) => number
  readonly fromMs: TimestampMs
  readonly toMs: TimestampMs
  /** A longer pause between points is shown as one. */
  readonly gapMs: DurationMs
}

/** The drawing's own units; it is stretched to its place, so they only say how fine it is. */
const WIDTH = 720
const HEIGHT = 200
/** As many as there are colours that can be told apart in light and dark, and by the colour-blind. */
const SERIES_MAX = 2

/** A plot of one or two series over time: the values now in words, the course as lines. */
export function plot(series: readonly PlotSeries[], options: PlotOptions): Html {
  const { title, told, ceiling, fromMs, toMs } = options
  const shown = series.slice(0, SERIES_MAX).map((one) => ({
    ...one,
    points: one.points.filter(({ atMs }) => atMs >= fromMs),
  }))
  if (shown.every(({ points }) => points.length === 0)) {
    return html`<figure class="plot"><figcaption><h3>${title}</h3></figcaption><p class="soft">The first figures come some 20 seconds after the start.</p></figure>`
  }
  const top = ceiling(Math.max(...shown.map(most)))
  const minutes = Math.round((toMs - fromMs) / MINUTE)
  const alt = shown.map((one) => `${one.name}: ${told(newest(one))} now, ${told(most(one))} at most`).join('; ')
  return html`<figure class="plot" data-from="${fromMs}" data-to="${toMs}">
<figcaption><h3>${title}</h3>${join(shown.map((one, at) => legend(one, at, shown.length, told)))}</figcaption>
<p class="axis" aria-hidden="true">${told(top)}</p>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${`${title} over the last ${minutes} minutes. ${alt}`}"><path class="grid" d="M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}"/>${join(
    shown.map((one, at) => drawing(one, at, top, options)),
  )}<path class="pointer" d=""/></svg>
<p class="axis" aria-hidden="true"><span>${minutes} min ago</span><span class="moment"></span><span>now</span></p>
</figure>`
}

/** The value is said anew for the moment that the pointer is at. */
function legend(series: PlotSeries, at: number, of: number, told: (value: number) => string): Html {
  const key = of === 1 ? NOTHING : html`<i class="key s${at}"></i>`
  return html`<p class="now">${key}${series.name} <b>${told(newest(series))}</b></p>`
}

/** Every point of the line is an L, which the page's script relies on. */
function drawing(series: PlotSeries, at: number, top: number, { fromMs, toMs, gapMs, told }: PlotOptions): Html {
  const x = ({ atMs }: PlotPoint) => Math.round((WIDTH * (atMs - fromMs)) / (toMs - fromMs))
  const y = ({ value }: PlotPoint) => Math.round(HEIGHT * (1 - value / top))
  const runs = runsOf(series.points, gapMs).map(([first, ...others]) => {
    const points = [first, ...others].map((point) => `L${x(point)} ${y(point)}`).join('')
    return {
      line: `M${x(first)} ${y(first)}${points}`,
      area: `M${x(first)} ${HEIGHT}${points}L${x(others.at(-1) ?? first)} ${HEIGHT}Z`,
    }
  })
  const said = series.points.map(({ value }) => told(value)).join('|')
  return html`<path class="area s${at}" d="${runs.map(({ area }) => area).join('')}"/><path class="line s${at}" d="${runs.map(({ line }) => line).join('')}" data-told="${said}"/>`
}

type Run = [PlotPoint, ...PlotPoint[]]

function runsOf(points: readonly PlotPoint[], gapMs: DurationMs): readonly Run[] {
  const runs: Run[] = []
  for (const point of points) {
    const run = runs.at(-1)
    const before = run?.at(-1)
    if (run === undefined || before === undefined || point.atMs - before.atMs > gapMs) runs.push([point])
    else run.push(point)
  }
  return runs
}

/** 1, 2 or 5 times a power of ten: easy to read, and it seldom changes. */
export function decimalCeiling(value: number): number {
  if (value <= 1) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5].find((step) => value <= step * power) ?? 10) * power
}

/** The next power of two, and 1024 at least. */
export function binaryCeiling(value: number): number {
  return 2 ** Math.max(10, Math.ceil(Math.log2(Math.max(1, value))))
}

function newest({ points }: PlotSeries): number {
  return points.at(-1)?.value ?? 0
}

function most({ points }: PlotSeries): number {
  return points.reduce((highest, { value }) => Math.max(highest, value), 0)
}
