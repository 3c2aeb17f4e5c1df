import { expect, test } from 'vitest'
import { bytes } from '../../../../src/base/figures.ts'
import { binaryCeiling, decimalCeiling, type PlotOptions, plot } from '../../../../src/node/status-page/plot.ts'

const options: PlotOptions = {
  ...{ title: 'Requests', told: (value: number) => `${value}/s`, ceiling: decimalCeiling },
  ...{ fromMs: 0, toMs: 600_000, gapMs: 30_000 },
}
const points = (...pairs: readonly (readonly [number, number])[]) => pairs.map(([atMs, value]) => ({ atMs, value }))

test('a line goes from the left to the right and from the ground to the top', () => {
  const drawn = String(plot([{ name: 'all', points: points([570_000, 0], [590_000, 5], [600_000, 10]) }], options))
  expect(drawn).toContain('class="line s0" d="M684 200L684 200L708 100L720 0" data-told="0/s|5/s|10/s"')
  expect(drawn).toContain('aria-label="Requests over the last 10 minutes. all: 10/s now, 10/s at most"')
})

test('each point has its own words, though figures have commas in them', () => {
  const series = { name: 'sent', points: points([580_000, 1010 * 1024], [590_000, 9 * 1024], [600_000, 1023 * 1024]) }
  const drawn = String(plot([series], { ...options, told: bytes, ceiling: binaryCeiling }))
  const [, told = ''] = /data-told="([^"]*)"/.exec(drawn) ?? []
  expect(told.split('|')).toEqual(['1,010 KiB', '9 KiB', '1,023 KiB'])
})

test('a pause is a gap, and what is older than the plot is not in it', () => {
  const series = { name: 'all', points: points([-1, 9], [0, 1], [10_000, 1], [400_000, 1], [410_000, 1]) }
  const [, line = ''] = /class="line s0" d="([^"]*)"/.exec(String(plot([series], options))) ?? []
  expect(line.match(/M/g)).toHaveLength(2)
  expect(line.match(/L/g)).toHaveLength(4)
})

test('without anything to draw it says when there will be', () => {
  const drawn = String(plot([{ name: 'all', points: [] }], options))
  expect(drawn).not.toContain('<svg')
  expect(drawn).toContain('20 seconds after the start')
})

test('scales end at round numbers', () => {
  expect([0, 0.3, 1, 1.01, 3, 7, 10, 11, 501].map(decimalCeiling)).toEqual([1, 1, 1, 2, 5, 10, 10, 20, 1000])
  expect([0, 1024, 1025, 3_000_000].map(binaryCeiling)).toEqual([1024, 1024, 2048, 4_194_304])
})
