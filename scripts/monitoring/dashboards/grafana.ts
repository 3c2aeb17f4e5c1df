import { metricOf, metrics } from '../catalogue.ts'
import { DATA_SOURCE_ID } from '../provisioning.ts'
import type { Dashboard, Panel } from './dashboard.ts'

const COLUMNS = 24
const FIGURE_HEIGHT = 4
const PLOT_HEIGHT = 7
const DATA_SOURCE = { type: 'prometheus', uid: DATA_SOURCE_ID }

export interface PlacedPanel {
  readonly panel: Panel
  readonly place: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
}

/** A dashboard as Grafana's files have it. */
export function grafanaDashboard({ id, title, rows }: Dashboard): object {
  let [nextId, y] = [1, 0]
  const panels: object[] = []
  for (const row of rows) {
    const place = { x: 0, y: y++, w: COLUMNS, h: 1 }
    panels.push({ id: nextId++, type: 'row', title: row.title, collapsed: false, gridPos: place, panels: [] })
    const { placed, height } = arranged(row.panels)
    for (const { panel, place } of placed)
      panels.push(grafanaPanel(nextId++, { panel, place: { ...place, y: y + place.y } }))
    y += height
  }
  return {
    uid: id,
    title,
    tags: ['starling'],
    schemaVersion: 39,
    editable: false,
    graphTooltip: 1,
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    links: [
      {
        type: 'dashboards',
        title: 'Starling',
        tags: ['starling'],
        asDropdown: false,
        keepTime: true,
        includeVars: true,
      },
    ],
    templating: { list: [INSTANCE_VARIABLE] },
    panels,
  }
}

const INSTANCE_VARIABLE = {
  name: 'instance',
  label: 'Node',
  type: 'query',
  datasource: DATA_SOURCE,
  query: { qryType: 1, query: `label_values(${metricOf(metrics.node.ready).name}, instance)`, refId: 'instance' },
  definition: `label_values(${metricOf(metrics.node.ready).name}, instance)`,
  refresh: 2,
  multi: true,
  includeAll: true,
  allValue: '.+',
  current: { text: ['All'], value: ['$__all'] },
}

/** Panels from left to right, as many beside each other as fit, and as high as the highest of them. */
function arranged(panels: readonly Panel[]): { placed: readonly PlacedPanel[]; height: number } {
  const placed: PlacedPanel[] = []
  let y = 0
  for (const line of linesOf(panels)) {
    const h = line.some(({ kind }) => kind === 'plot') ? PLOT_HEIGHT : FIGURE_HEIGHT
    let x = 0
    for (const panel of line) {
      placed.push({ panel, place: { x, y, w: panel.width, h } })
      x += panel.width
    }
    y += h
  }
  return { placed, height: y }
}

function linesOf(panels: readonly Panel[]): readonly (readonly Panel[])[] {
  const lines: Panel[][] = []
  let left = 0
  for (const panel of panels) {
    if (panel.width > left) {
      lines.push([])
      left = COLUMNS
    }
    lines.at(-1)?.push(panel)
    left -= panel.width
  }
  return lines
}

function grafanaPanel(id: number, { panel, place }: PlacedPanel): object {
  const { title, description, kind, unit, targets } = panel
  return {
    id,
    type: kind === 'plot' ? 'timeseries' : 'stat',
    title,
    ...(description !== undefined && { description }),
    datasource: DATA_SOURCE,
    gridPos: place,
    targets: targets.map(({ query, legend }, at) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + at),
      datasource: DATA_SOURCE,
      expr: query,
      legendFormat: legend,
      ...(kind === 'figure' && { instant: true }),
    })),
    fieldConfig: { defaults: { unit, ...(kind === 'plot' ? plotOf(panel) : figureOf(panel)) }, overrides: [] },
    options:
      kind === 'plot'
        ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
        : {
            reduceOptions: { calcs: ['lastNotNull'] },
            colorMode: 'background',
            graphMode: 'none',
            textMode: 'value_and_name',
          },
  }
}

function plotOf({ isStacked = false, isSigned = false, limit, limitIsBelow = false }: Panel): object {
  const custom = {
    lineWidth: 1,
    fillOpacity: isStacked ? 30 : 5,
    showPoints: 'never',
    stacking: { mode: isStacked ? 'normal' : 'none' },
    thresholdsStyle: { mode: limit === undefined ? 'off' : 'dashed' },
  }
  return { ...(!isSigned && { min: 0 }), custom, thresholds: thresholdsOf(limit, limitIsBelow) }
}

function figureOf({ limit, limitIsBelow = false, words }: Panel): object {
  return { thresholds: thresholdsOf(limit, limitIsBelow), ...(words !== undefined && { mappings: mappingsOf(words) }) }
}

function mappingsOf(words: Readonly<Record<number, string>>): object[] {
  return [
    { type: 'value', options: Object.fromEntries(Object.entries(words).map(([value, text]) => [value, { text }])) },
  ]
}

function thresholdsOf(limit: number | undefined, isBelow: boolean): object {
  const [good, bad] = ['green', 'red']
  if (limit === undefined) return { mode: 'absolute', steps: [{ color: 'blue', value: null }] }
  const steps = [
    { color: isBelow ? bad : good, value: null },
    { color: isBelow ? good : bad, value: limit },
  ]
  return { mode: 'absolute', steps }
}
