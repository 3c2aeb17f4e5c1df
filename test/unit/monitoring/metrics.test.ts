// Properties of all metrics together, as those who scrape them rely on.
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalogue, type Metric, metrics } from '../../../scripts/monitoring/catalogue.ts'
import { createQueries } from '../../../scripts/monitoring/queries.ts'

/** Base units of Prometheus, and what is counted or has no unit. */
const OTHER_UNITS = /(milliseconds|_ms|minutes|hours|kilobytes|_kb|megabytes|_mib|percent)(_total)?$/

/** No label has more values in its type than this, but where a metric says otherwise. */
const LABEL_VALUES_MAX: Readonly<Record<string, number>> = {
  ...{ direction: 2, effect: 2, entry: 3, event: 10, kind: 5, level: 6, method: 24, mode: 2, outcome: 8, part: 15 },
  ...{ protocol: 7, provider: 8, reason: 14, request: 6, result: 3, role: 4, runtime: 1, standing: 5, state: 7 },
  ...{ status: 4, test: 3, update: 4, use: 8, version: 1, way: 2, with: 2 },
}
const VALUES_MAX: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  starling_onion_relay_requests_total: { outcome: 20 },
  starling_staking_signature_answers_total: { outcome: 14 },
}

test('names begin with starling_, are in base units, and say what is counted up', () => {
  for (const { name, type, help } of catalogue) {
    expect(name).toMatch(/^starling_[a-z][a-z0-9_]*$/)
    expect(name).not.toMatch(OTHER_UNITS)
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
    if (type === 'histogram') expect([name, /_(seconds|bytes|operations)$/.test(name)]).toEqual([name, true])
    expect(help).toMatch(/^[A-Z0-9].*[^.]$/)
  }
  expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length)
})

test('every metric that a part declares is in the catalogue, and in a table of docs/metrics.md', () => {
  const declared = globSync('src/**/*.ts').flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(/name: '(starling_\w+)'/g)].map(([, name]) => name),
  )
  expect(declared.toSorted()).toEqual(catalogue.map(({ name }) => name).toSorted())
  const page = readFileSync('docs/metrics.md', 'utf8')
  expect(catalogue.filter(({ name }) => !page.includes(`| \`${name}\` |`))).toEqual([])
})

test('no label can name who or what a series would be for', () => {
  const labels = new Set(catalogue.flatMap(({ labels }) => labels))
  // Of each, the values are a closed set in the type of the metric; a version is one a process.
  expect([...labels].sort()).toEqual(
    [
      ...['direction', 'effect', 'entry', 'event', 'kind', 'level', 'method', 'mode', 'outcome', 'part', 'protocol'],
      ...['provider', 'reason', 'request', 'result', 'role', 'runtime', 'standing', 'state', 'status', 'test'],
      ...['update', 'use', 'version', 'way', 'with'],
    ].sort(),
  )
  for (const { name, labels } of catalogue) expect([name, labels.length <= 3]).toEqual([name, true])
})

test('if every label took all of its values, a node would have two thousand series', () => {
  const series = ({ name, labels, type, buckets }: Metric) => {
    const combinations = labels.map((label) => VALUES_MAX[name]?.[label] ?? LABEL_VALUES_MAX[label] ?? Number.NaN)
    return combinations.reduce((product, count) => product * count, type === 'histogram' ? buckets.length + 3 : 1)
  }
  expect(catalogue.reduce((sum, metric) => sum + series(metric), 0)).toBeLessThan(2_000)
})

test('buckets rise, and are few', () => {
  for (const { name, buckets } of catalogue) {
    expect([name, buckets]).toEqual([name, buckets.toSorted((a, b) => a - b)])
    expect([name, buckets.length <= 15]).toEqual([name, true])
  }
})

test('an expression names metrics, labels and values that there are, or it does not compile', () => {
  const { rate, value, quantile, sumOfRates } = createQueries(['instance="a"'])
  expect(rate(metrics.rpc.rejected, '5m', { reason: ['busy', 'tls'] })).toBe(
    'rate(starling_rpc_rejected_total{reason=~"busy|tls", instance="a"}[5m])',
  )
  expect(quantile(0.5, metrics.storage.commit, '1h', ['instance'])).toBe(
    'histogram_quantile(0.5, sum by (le, instance) (rate(starling_storage_commit_seconds_bucket{instance="a"}[1h])))',
  )
  // @ts-expect-error A value that the label does not have.
  rate(metrics.rpc.rejected, '5m', { reason: 'mood' })
  // @ts-expect-error A label that the metric does not have.
  rate(metrics.rpc.rejected, '5m', { method: 'store' })
  // @ts-expect-error The same of a metric without any.
  value(metrics.storage.room, { method: 'store' })
  // @ts-expect-error The same in a sum.
  sumOfRates(metrics.rpc.rejected, '5m', ['method'])
  // @ts-expect-error A counter tells nothing by its value.
  value(metrics.rpc.rejected)
  // @ts-expect-error A gauge has no rate.
  rate(metrics.storage.room, '5m')
})
