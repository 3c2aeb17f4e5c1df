import { expect, test } from 'vitest'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'

test('a metric shows from the start, one with labels from its first use', async () => {
  const registry = createMetricsRegistry()
  registry.counter({ name: 'plain_total', help: 'Plain' })
  const labelled = registry.counter<{ outcome: 'new' | 'full' }>({
    name: 'labelled_total',
    help: 'Labelled',
    labelNames: ['outcome'],
  })
  expect(await registry.expose()).toMatch(/^plain_total 0$/m)
  labelled.inc({ outcome: 'full' })
  labelled.add(2.5, { outcome: 'full' })
  expect(await registry.expose()).toMatch(/^labelled_total\{outcome="full"\} 3.5$/m)
})

test('a counter never falls', () => {
  const counter = createMetricsRegistry().counter({ name: 'plain_total', help: 'Plain' })
  expect(() => counter.add(-1)).toThrow()
})

test('a gauge shows the last value, and zero when it is set to zero', async () => {
  const registry = createMetricsRegistry()
  const gauge = registry.gauge<{ part: 'a' | 'b' }>({ name: 'held_bytes', help: 'Held', labelNames: ['part'] })
  gauge.set(5, { part: 'a' })
  gauge.set(0, { part: 'a' })
  expect(await registry.expose()).toMatch(/^held_bytes\{part="a"\} 0$/m)
})

test('a histogram counts into its own buckets', async () => {
  const registry = createMetricsRegistry()
  const histogram = registry.histogram({ name: 'took_seconds', help: 'Took', buckets: [0.1, 1] })
  for (const seconds of [0.1, 0.5, 7]) histogram.observe(seconds)
  const lines = (await registry.expose()).split('\n').filter((line) => line.startsWith('took_seconds'))
  expect(lines).toEqual([
    'took_seconds_bucket{le="0.1"} 1',
    'took_seconds_bucket{le="1"} 2',
    'took_seconds_bucket{le="+Inf"} 3',
    'took_seconds_sum 7.6',
    'took_seconds_count 3',
  ])
})

test('nodes in one process keep their metrics apart', async () => {
  const [one, other] = [createMetricsRegistry(), createMetricsRegistry()]
  one.counter({ name: 'same_total', help: 'Same' }).inc()
  other.counter({ name: 'same_total', help: 'Same' })
  expect(await other.expose()).toMatch(/^same_total 0$/m)
})

test('a name is declared once', () => {
  const registry = createMetricsRegistry()
  registry.gauge({ name: 'twice', help: 'Once' })
  expect(() => registry.gauge({ name: 'twice', help: 'Again' })).toThrow('twice')
})

test('a registry describes what it has', async () => {
  const registry = createMetricsRegistry()
  registry.counter({ name: 'a_total', help: 'A thing' })
  registry.histogram({ name: 'b_seconds', help: 'B thing', buckets: [1] })
  expect(await registry.describe()).toEqual([
    { name: 'a_total', help: 'A thing', type: 'counter' },
    { name: 'b_seconds', help: 'B thing', type: 'histogram' },
  ])
})

test('a metric is summed over all of its series, or over those with a label', async () => {
  const registry = createMetricsRegistry()
  const counter = registry.counter<{ role: 'relay' | 'final'; outcome: 'answered' | 'busy' }>({
    name: 'asked_total',
    help: 'Asked',
    labelNames: ['role', 'outcome'],
  })
  expect(await registry.sum('asked_total')).toBe(0)
  counter.add(3, { role: 'relay', outcome: 'answered' })
  counter.add(4, { role: 'relay', outcome: 'busy' })
  counter.inc({ role: 'final', outcome: 'answered' })
  expect(await registry.sum('asked_total')).toBe(8)
  expect(await registry.sum('asked_total', { role: 'relay' })).toBe(7)
  expect(await registry.sum('asked_total', { role: 'relay', outcome: 'busy' })).toBe(4)
  await expect(registry.sum('misspelt_total')).rejects.toThrow('misspelt_total')
})
