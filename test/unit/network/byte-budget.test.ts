import { expect, test } from 'vitest'
import { createBudgetShare, createByteBudget, largestPayload } from '../../../src/network/byte-budget.ts'

const MIB = 1024 * 1024

function aBudget(maxBytes: number) {
  let shown = 0
  const set = (value: number) => {
    shown = value
  }
  const budget = createByteBudget({ set, remove: () => {} }, maxBytes)
  return { budget, shown: () => shown }
}

test('large payloads leave room for small ones', () => {
  const { budget, shown } = aBudget(8 * MIB)
  expect(largestPayload(8 * MIB)).toBe(6 * MIB)
  expect(budget.take(6 * MIB + 1)).toBe(false)
  expect(budget.take(6 * MIB)).toBe(true)
  expect(budget.take(100_000)).toBe(false)
  for (let count = 0; count < 32; count++) expect(budget.take(64 * 1024)).toBe(true)
  expect(budget.take(1)).toBe(false)
  expect(shown()).toBe(8 * MIB)
  budget.give(6 * MIB)
  expect(budget.take(100_000)).toBe(true)
})

test('one share of a budget does not use up the whole', () => {
  const { budget, shown } = aBudget(8 * MIB)
  const [greedy, modest] = [createBudgetShare(budget, 3 * MIB), createBudgetShare(budget, 3 * MIB)]
  expect(greedy.take(2 * MIB)).toBe(true)
  expect(greedy.take(2 * MIB)).toBe(false)
  expect(modest.take(2 * MIB)).toBe(true)
  expect(shown()).toBe(4 * MIB)
  greedy.give(2 * MIB)
  expect(greedy.take(3 * MIB)).toBe(true)
  expect(shown()).toBe(5 * MIB)
})

test('a share takes nothing when the whole has no room', () => {
  const { budget } = aBudget(MIB)
  const share = createBudgetShare(budget, 4 * MIB)
  expect(share.take(2 * MIB)).toBe(false)
  expect(share.take(700_000)).toBe(true)
  share.give(700_000)
  expect(share.take(700_000)).toBe(true)
})
