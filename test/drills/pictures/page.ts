import type { Prometheus, Series } from '../prometheus.ts'
import { colorOf, type DrawnSeries, type Frame, plot } from './plot.ts'
import { written } from './units.ts'

// Draws a dashboard from the file that Grafana is provisioned with.

interface PanelFile {
  readonly type: 'row' | 'timeseries' | 'stat'
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit: string
      readonly min?: number
      readonly custom?: { readonly stacking: { readonly mode: string } }
      readonly thresholds: { readonly steps: readonly { readonly color: string; readonly value: number | null }[] }
      readonly mappings?: readonly { readonly options: Readonly<Record<string, { readonly text: string }>> }[]
    }
  }
}

export interface DashboardFile {
  readonly title: string
  readonly panels: readonly PanelFile[]
}

export interface Period {
  readonly startS: number
  readonly endS: number
  readonly stepS: number
  /** What Grafana puts for `$__rate_interval`. */
  readonly rateInterval: string
}

export const PAGE_WIDTH = 1200
const COLUMN = PAGE_WIDTH / 24
const LINE = 26
const GAP = 6
const TITLE = 24
const LEGEND = 34
const LEGEND_MAX = 8
const FIGURE_COLUMNS = 4

const STYLE = `
  body { margin: 0; background: #f3f4f6; font: 12px 'Open Sans', 'DejaVu Sans', sans-serif; color: #1f2937; }
  h1 { font-size: 18px; margin: 0; padding: 12px 12px 6px; }
  #board { position: relative; width: ${PAGE_WIDTH}px; overflow: hidden; }
  .panel { position: absolute; background: #fff; border: 1px solid #d8dce3; border-radius: 3px; box-sizing: border-box; overflow: hidden; }
  .row { position: absolute; font-weight: 600; padding: 4px 8px; }
  h2 { font-size: 12px; margin: 0; padding: 5px 8px 0; height: ${TITLE - 5}px; font-weight: 600; white-space: nowrap; }
  .legend { padding: 1px 8px; height: ${LEGEND}px; line-height: 15px; font-size: 10.5px; overflow: hidden; color: #4b5563; }
  .legend span { margin-right: 10px; white-space: nowrap; }
  .legend i { display: inline-block; width: 9px; height: 3px; margin-right: 4px; vertical-align: middle; }
  .figures { display: grid; grid-auto-rows: 1fr; gap: 2px; padding: 2px 4px 4px; height: calc(100% - ${TITLE}px); box-sizing: border-box; }
  .figure { min-width: 0; border-radius: 2px; color: #fff; text-align: center; line-height: 1.1; overflow: hidden; display: flex; flex-direction: column; justify-content: center; white-space: nowrap; }
  .figure b { font-size: 9.5px; }
  .figure small { font-size: 7.5px; padding-top: 2px; opacity: 0.85; }
  svg text { font-size: 10.5px; fill: #6b7280; }
  .nothing { color: #9ca3af; text-align: center; padding-top: 40px; }`

export async function pageOf(
  { title, panels }: DashboardFile,
  prometheus: Prometheus,
  period: Period,
): Promise<string> {
  const drawn = await Promise.all(panels.map((panel) => drawnPanel(panel, prometheus, period)))
  const height = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * LINE + GAP
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><h1>${escaped(title)}</h1><div id="board" style="height:${height}px">${drawn.join('')}</div>`
}

async function drawnPanel(panel: PanelFile, prometheus: Prometheus, period: Period): Promise<string> {
  const { x, y, w, h } = panel.gridPos
  const [width, height] = [w * COLUMN - GAP, h * LINE - GAP]
  const box = `left:${x * COLUMN + GAP / 2}px;top:${y * LINE}px;width:${width}px;height:${height}px`
  if (panel.type === 'row') return `<div class="row" style="${box}">${escaped(panel.title)}</div>`
  const series = await seriesOf(panel, prometheus, period)
  const content = panel.type === 'stat' ? figures(panel, series) : plotted(panel, series, { width, height, ...period })
  return `<div class="panel" style="${box}"><h2>${escaped(panel.title)}</h2>${content}</div>`
}

async function seriesOf(panel: PanelFile, prometheus: Prometheus, period: Period): Promise<readonly DrawnSeries[]> {
  const answers = await Promise.all(
    (panel.targets ?? []).map(async ({ expr, legendFormat }) => {
      const expression = expr.replaceAll('$instance', '.+').replaceAll('$__rate_interval', period.rateInterval)
      const found =
        panel.type === 'stat' ? await prometheus.values(expression) : await prometheus.range({ expression, ...period })
      return found.map(({ labels, points }) => ({ name: legend(legendFormat, labels), points }))
    }),
  )
  return answers.flat().sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

function legend(format: string, labels: Series['labels']): string {
  return format.replace(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '')
}

function plotted(
  panel: PanelFile,
  series: readonly DrawnSeries[],
  { width, height, startS, endS, stepS }: Frame,
): string {
  if (series.length === 0) return '<div class="nothing">no data: it has not happened</div>'
  const { unit = 'short', min, custom, thresholds } = panel.fieldConfig?.defaults ?? {}
  const limit = thresholds?.steps.find(({ value }) => value !== null)?.value ?? undefined
  const options = { unit, min, isStacked: custom?.stacking.mode === 'normal', limit }
  const svg = plot(series, options, { width: width - 2, height: height - TITLE - LEGEND - 2, startS, endS, stepS })
  const entries = series
    .slice(0, LEGEND_MAX)
    .map(({ name }, at) => `<span><i style="background:${colorOf(at)}"></i>${escaped(name)}</span>`)
  const more = series.length > LEGEND_MAX ? `and ${series.length - LEGEND_MAX} more` : ''
  return `${svg}<div class="legend">${entries.join('')}${more}</div>`
}

function figures(panel: PanelFile, series: readonly DrawnSeries[]): string {
  const { unit = 'short', thresholds, mappings } = panel.fieldConfig?.defaults ?? {}
  const words = mappings?.[0]?.options ?? {}
  const boxes = series.map(({ name, points }) => {
    const value = points.at(-1)?.[1] ?? Number.NaN
    const { color } = thresholds?.steps.findLast((step) => step.value === null || value >= step.value) ?? {
      color: 'blue',
    }
    const text = words[String(value)]?.text ?? (unit === 'dateTimeFromNow' ? ago(value) : written(value, unit))
    return `<div class="figure" style="background:${FIGURE_COLORS[color] ?? color}"><b>${escaped(text)}</b><small>${escaped(name)}</small></div>`
  })
  const columns = Math.min(series.length, FIGURE_COLUMNS)
  return `<div class="figures" style="grid-template-columns: repeat(${columns}, 1fr)">${boxes.join('')}</div>`
}

const FIGURE_COLORS: Readonly<Record<string, string>> = { green: '#3a9d5d', red: '#c0392b', blue: '#2f6fb5' }

function ago(unixS: number): string {
  return `${Math.max(0, Math.round((Date.now() / 1000 - unixS) / 60))} min`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
