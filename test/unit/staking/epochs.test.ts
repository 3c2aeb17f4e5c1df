import fc from 'fast-check'
import { expect, test } from 'vitest'
import { boundaryS, epochsToFetch, newestCertainEpoch } from '../../../src/staking/epochs.ts'

test('an epoch is certain once a final block has a timestamp after its boundary', () => {
  expect(newestCertainEpoch(600n, 600)).toBe(0)
  expect(newestCertainEpoch(601n, 600)).toBe(1)
  expect(newestCertainEpoch(1200n, 600)).toBe(1)
  expect(newestCertainEpoch(1201n, 600)).toBe(2)
  expect(newestCertainEpoch(0n, 600)).toBe(-1)
})

test('the newest certain epoch is the largest whose boundary lies before the timestamp', () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 1n << 40n), fc.integer({ min: 1, max: 100_000 }), (timestamp, length) => {
      const index = newestCertainEpoch(timestamp, length)
      expect(boundaryS(index, length) < timestamp && timestamp <= boundaryS(index + 1, length)).toBe(true)
    }),
  )
})

test('at the start the epoch before the newest is fetched too, and later only what is new', () => {
  expect(epochsToFetch(undefined, 7)).toEqual([6, 7])
  expect(epochsToFetch(undefined, 0)).toEqual([0])
  expect(epochsToFetch(undefined, -1)).toEqual([])
  expect(epochsToFetch(6, 7)).toEqual([7])
  expect(epochsToFetch(7, 7)).toEqual([])
  expect(epochsToFetch(9, 7)).toEqual([])
})

test('a follower far behind skips to the last two epochs', () => {
  expect(epochsToFetch(3, 100)).toEqual([99, 100])
})
