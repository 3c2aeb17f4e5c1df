import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arcOf, nearestSwarmIndex, swarmIdFor } from '../../../src/protocol/swarm-assignment.ts'
import vectors from '../../vectors/swarm-assignment.json' with { type: 'json' }

const RING = 1n << 64n
const point = fc.bigInt({ min: 0n, max: RING - 1n })
/** Points in a small stretch around 0 meet ids and ties often. */
const nearbyPoint = fc.bigInt({ min: -20n, max: 20n }).map((value) => BigInt.asUintN(64, value))

function idsOf(values: fc.Arbitrary<bigint>): fc.Arbitrary<bigint[]> {
  return fc.uniqueArray(values, { minLength: 1, maxLength: 12 }).map((ids) => ids.sort((a, b) => (a < b ? -1 : 1)))
}

/** Every id is looked at, on a ring as one would draw it. */
function nearestBySearch(space: bigint, ids: readonly bigint[]): bigint | undefined {
  const stepsFromLeft = (id: bigint) => (((space - id) % RING) + RING) % RING
  const steps = (id: bigint) =>
    stepsFromLeft(id) < RING - stepsFromLeft(id) ? stepsFromLeft(id) : RING - stepsFromLeft(id)
  const least = ids.map(steps).sort((a, b) => Number(a - b))[0]
  const nearest = ids.filter((id) => steps(id) === least)
  return nearest.find((id) => stepsFromLeft(id) === least) ?? nearest[0]
}

function isInArc(space: bigint, { first, last }: { first: bigint; last: bigint }): boolean {
  return first <= last ? first <= space && space <= last : space >= first || space <= last
}

for (const { ids, assignments } of vectors.vectors) {
  test.for(assignments)(`among ${ids.length} swarms, $space goes to $swarm`, ({ space, swarm }) => {
    expect(swarmIdFor(BigInt(space), ids.map(BigInt))).toBe(BigInt(swarm))
  })
}

test('without swarms, no point has one', () => {
  expect(swarmIdFor(7n, [])).toBeUndefined()
  expect(nearestSwarmIndex(7n, [])).toBeUndefined()
  expect(arcOf(7n, [])).toBeUndefined()
})

test.for([
  ['spread over the ring', point, point],
  ['crowded around 0', nearbyPoint, nearbyPoint],
] as const)('a point goes to the id that a search of all finds, ids %s', ([, ids, spaces]) => {
  fc.assert(
    fc.property(idsOf(ids), spaces, (sorted, space) => {
      expect(swarmIdFor(space, sorted)).toBe(nearestBySearch(space, sorted))
    }),
    { numRuns: 1_000 },
  )
})

test.for([
  ['spread over the ring', point],
  ['crowded around 0', nearbyPoint],
] as const)('the arcs of the swarms meet end to end and hold exactly their points, ids %s', ([, ids]) => {
  fc.assert(
    fc.property(idsOf(ids), point, (sorted, anywhere) => {
      const arcs = sorted.map((id) => ({ id, arc: arcOf(id, sorted) ?? expect.unreachable() }))
      for (const [index, { id, arc }] of arcs.entries()) {
        const next = arcs[(index + 1) % arcs.length]?.arc.first
        expect(next).toBe(BigInt.asUintN(64, arc.last + 1n))
        expect([arc.first, arc.last].map((edge) => swarmIdFor(edge, sorted))).toEqual([id, id])
      }
      const owner = swarmIdFor(anywhere, sorted)
      if (arcs.length > 1) expect(arcs.filter(({ arc }) => isInArc(anywhere, arc)).map(({ id }) => id)).toEqual([owner])
    }),
    { numRuns: 500 },
  )
})

test('an id that is not among the swarms has no arc', () => {
  expect(arcOf(150n, [100n, 200n])).toBeUndefined()
})
