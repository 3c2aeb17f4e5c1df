import { expect, test } from 'vitest'
import { pick, sample, secureRandom } from '../../../src/client/random.ts'

test('chance gives every number below the limit, and no other', () => {
  const seen = new Set(Array.from({ length: 500 }, () => secureRandom(5)))
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4])
  expect(secureRandom(1)).toBe(0)
})

test('a sample has no item twice, and of nothing nothing is picked', () => {
  expect(sample([1, 2, 3], 5, secureRandom).sort()).toEqual([1, 2, 3])
  expect(pick([], secureRandom)).toBeUndefined()
})
