import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SwarmArc } from '../../../src/protocol/swarm-assignment.ts'
import { ArcSet } from '../../../src/swarm/arc-set.ts'

const RING = 1n << 64n

/** Points near each other and near 0, so that arcs touch, overlap and go through 0. */
const point = fc.integer({ min: -12, max: 12 }).map((number) => BigInt.asUintN(64, BigInt(number)))
const arc: fc.Arbitrary<SwarmArc> = fc.record({ first: point, last: point })
const arcs = fc.array(arc, { maxLength: 4 })
const POINTS = Array.from({ length: 29 }, (_, at) => BigInt.asUintN(64, BigInt(at - 14)))

function isIn({ first, last }: SwarmArc, space: bigint): boolean {
  return first <= last ? first <= space && space <= last : space >= first || space <= last
}

test('sets of arcs have the points that their arcs have', () => {
  fc.assert(
    fc.property(arcs, arcs, (a, b) => {
      const [left, right] = [ArcSet.of(...a), ArcSet.of(...b)]
      for (const space of POINTS) {
        const [inA, inB] = [a, b].map((list) => list.some((one) => isIn(one, space)))
        expect(left.has(space)).toBe(inA)
        expect(left.with(right).has(space)).toBe(inA || inB)
        expect(left.within(right).has(space)).toBe(inA && inB)
        expect(left.without(right).has(space)).toBe(inA && !inB)
        expect(left.rest().has(space)).toBe(!inA)
      }
      expect(left.size + left.rest().size).toBe(RING)
      expect(left.within(right).size + left.without(right).size).toBe(left.size)
      expect(left.with(right).equals(right.with(left))).toBe(true)
    }),
  )
})

test('the arc of a single swarm is the whole ring', () => {
  const whole = ArcSet.of({ first: 7n, last: 6n })
  expect(whole.arcs).toEqual([{ first: 0n, last: RING - 1n }])
  expect(whole.rest().isEmpty).toBe(true)
  expect(ArcSet.empty.rest().equals(whole)).toBe(true)
})

test('no arc is nothing', () => {
  expect(ArcSet.of(undefined).isEmpty).toBe(true)
  expect(ArcSet.of().size).toBe(0n)
})
