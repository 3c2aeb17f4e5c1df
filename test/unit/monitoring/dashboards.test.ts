import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { catalogue } from '../../../scripts/monitoring/catalogue.ts'
import { monitoringFiles } from '../../../scripts/monitoring/generated-files.ts'
import { selectorsIn } from './selectors.ts'

interface PanelFile {
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
  readonly datasource?: { readonly uid: string }
}
interface DashboardFile {
  readonly uid: string
  readonly panels: readonly PanelFile[]
}

const GRAFANA = 'deploy/grafana'
const paths = globSync(`${GRAFANA}/dashboards/*.json`).sort()
const dashboards = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as DashboardFile)
const targets = dashboards.flatMap(({ panels }) => panels.flatMap(({ targets = [] }) => targets))

test.for([...monitoringFiles()])('%s is up to date; if not, run `npm run docs`', ([path, content]) => {
  expect(readFileSync(path, 'utf8')).toBe(content)
})

test('there are five dashboards, each in the file of its name, and no others', () => {
  const names = ['overview', 'swarm-and-storage', 'onion-relay', 'chain-and-stake', 'process']
  expect(paths.map((path) => basename(path, '.json'))).toEqual(names.map((name) => `starling-${name}`).sort())
  expect(dashboards.map(({ uid }) => uid)).toEqual(paths.map((path) => basename(path, '.json')))
})

test('panels ask for metrics and labels that there are, of the nodes that are chosen', () => {
  expect(targets.length).toBeGreaterThan(60)
  for (const { expr, legendFormat } of targets) {
    const selectors = selectorsIn(expr)
    expect([expr, selectors.length > 0]).toEqual([expr, true])
    for (const { name, labels } of selectors) {
      expect([expr, labels]).toEqual([expr, expect.arrayContaining(['instance'])])
      if (name === 'up') continue
      const metric = catalogue.find((one) => [one.name, ...seriesOf(one)].includes(name))
      expect([expr, name, metric !== undefined]).toEqual([expr, name, true])
      const known = [...(metric?.labels ?? []), 'instance']
      expect([expr, labels.filter((label) => !known.includes(label))]).toEqual([expr, []])
    }
    const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
    const all = ['instance', ...catalogue.flatMap(({ labels }) => labels)]
    expect([legendFormat, shown.filter((label) => !all.includes(label ?? ''))]).toEqual([legendFormat, []])
  }
})

test('no panel lies over another or beyond the edge', () => {
  for (const { panels } of dashboards) {
    const wide = panels.filter(({ gridPos: { x, w } }) => x + w > 24)
    const overlapping = panels.filter(({ gridPos: a }, at) =>
      panels
        .slice(0, at)
        .some(({ gridPos: b }) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h),
    )
    expect([...wide, ...overlapping].map(({ title }) => title)).toEqual([])
  }
})

test('Grafana finds the data source that the panels name, and the folder of the dashboards', () => {
  const provisioned = (path: string) => parse(readFileSync(`${GRAFANA}/provisioning/${path}`, 'utf8')) as object
  const uids = new Set(dashboards.flatMap(({ panels }) => panels.flatMap(({ datasource }) => datasource?.uid ?? [])))
  expect(provisioned('datasources/prometheus.yml')).toMatchObject({ datasources: [{ uid: [...uids][0] }] })
  expect(uids.size).toBe(1)
  expect(provisioned('dashboards/starling.yml')).toMatchObject({ providers: [{ type: 'file' }] })
})

function seriesOf({ name, type }: { name: string; type: string }): readonly string[] {
  return type === 'histogram' ? ['bucket', 'sum', 'count'].map((suffix) => `${name}_${suffix}`) : []
}
