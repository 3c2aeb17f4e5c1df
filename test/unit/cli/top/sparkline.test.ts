import { expect, test } from 'vitest'
import { bar, sparkline } from '../../../../src/cli/top/sparkline.ts'

test('values are as high as they are against the highest of them', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█')
  expect(sparkline([0, 700, 1400], 3)).toBe('▁▅█')
})

test('the newest values are shown, at the right', () => {
  expect(sparkline([9, 1, 2], 2)).toBe('▅█')
  expect(sparkline([1], 4)).toBe('   █')
  expect(sparkline([], 3)).toBe('   ')
})

test('what is not known is blank, and nothing is not the same as little', () => {
  expect(sparkline([0, undefined, 0.001, 1000], 4)).toBe('▁ ▂█')
  expect(sparkline([0, 0], 2)).toBe('▁▁')
})

test('a bar is full as far as its share goes', () => {
  expect([0, 0.26, 1, 7, -1].map((share) => bar(share, 4).join(''))).toEqual(['░░░░', '█░░░', '████', '████', '░░░░'])
})
