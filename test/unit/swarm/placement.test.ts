import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NetworkId } from '../../../src/protocol/network-id.ts'
import { type Member, parseServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { computeSwarms, positionOf, type SwarmRange, swarmsOfPlaced } from '../../../src/swarm/placement.ts'
import vectors from '../../vectors/swarm-placement.json' with { type: 'json' }
import { aMember, NETWORK, someMembers } from './member-lists.ts'

const RING = 1n << 64n
const options = { sizeMin: 5 }
const memberList = fc.tuple(fc.nat({ max: 120 }), fc.nat()).map(([count, seed]) => someMembers(count, String(seed)))

/** Positions as text of 64 binary digits, and ranges as their common prefix: shares no code with the real one. */
function swarmsByPrefix(
  members: readonly Member[],
  sizeMin: number,
  prefix = '',
): { prefix: string; keys: string[] }[] {
  const below = (digit: string) => members.filter((member) => digitsOf(member).startsWith(prefix + digit))
  const [left, right] = [below('0'), below('1')]
  if (prefix.length < 62 && left.length >= sizeMin && right.length >= sizeMin) {
    return [...swarmsByPrefix(left, sizeMin, `${prefix}0`), ...swarmsByPrefix(right, sizeMin, `${prefix}1`)]
  }
  return [{ prefix, keys: members.map(({ key }) => key as string).sort() }]
}

function digitsOf({ key, id, addedTimestampS }: Member): string {
  const u64 = (value: bigint) => value.toString(16).padStart(16, '0')
  const bytes = `${Buffer.from('starling-placement').toString('hex')}${NETWORK}${key}${u64(id)}${u64(addedTimestampS)}`
  const hash = createHash('sha256').update(bytes, 'hex').digest('hex').slice(0, 16)
  return BigInt(`0x${hash}`).toString(2).padStart(64, '0')
}

function vectorMembers(count: number): Member[] {
  return vectors.members.slice(0, count).map(({ id, key, addedTimestampS }, number) => {
    const parsed = parseServiceNodeKey(key)
    if (parsed === undefined) throw new Error(`Not a key: ${key}`)
    return aMember(number, { id: BigInt(id), key: parsed, addedTimestampS: BigInt(addedTimestampS) })
  })
}

function holds({ first, last }: SwarmRange, position: bigint): boolean {
  return first <= position && position <= last
}

test('members stand where the vectors say', () => {
  const network = vectors.networkId as NetworkId
  const positions = vectorMembers(vectors.members.length).map((member) => positionOf(member, network))
  expect(positions).toEqual(vectors.members.map(({ position }) => BigInt(position)))
})

test.for(vectors.vectors)(
  '$nodes nodes make the swarms of the vectors, of $sizeMin at least',
  ({ nodes, sizeMin, swarms }) => {
    const expected = swarms.map(({ id, first, last, members }) => {
      return { id: BigInt(id), first: BigInt(first), last: BigInt(last), members }
    })
    expect(computeSwarms(vectorMembers(nodes), vectors.networkId as NetworkId, { sizeMin })).toEqual(expected)
  },
)

test('nobody makes no swarm', () => {
  expect(computeSwarms([], NETWORK, options)).toEqual([])
})

test.for([1, 4, 5, 9])('%i nodes are one swarm in the middle of the ring', (count) => {
  const swarms = computeSwarms(someMembers(count), NETWORK, options)
  expect(swarms).toMatchObject([{ id: RING / 2n, first: 0n, last: RING - 1n }])
  expect(swarms[0]?.members).toHaveLength(count)
})

test('a least size below one is refused, since empty ranges would be split for ever', () => {
  expect(() => computeSwarms(someMembers(3), NETWORK, { sizeMin: 0 })).toThrow('at least one member')
})

/** Nodes at chosen positions: their hashes would not come so close. */
function nodesAt(...positions: bigint[]) {
  return positions.map((position, number) => ({ key: aMember(number).key, position }))
}

test('the middle of a range belongs to its right half', () => {
  const middle = RING / 2n
  const sizesAt = (...positions: bigint[]) =>
    swarmsOfPlaced(nodesAt(...positions), { sizeMin: 1 }).map(({ members }) => members.length)
  expect(sizesAt(middle - 1n, middle)).toEqual([1, 1])
  expect(sizesAt(middle - 2n, middle - 1n)).toEqual([2])
  expect(sizesAt(middle, middle + 1n)).toEqual([2])
})

test.for([
  ['lowest', 0n],
  ['highest', RING - 8n],
] as const)(
  'at the %s end of the ring, splitting ends at four points, and no id is the one that means none',
  ([, end]) => {
    // A pair at each of the last eight points, and one in the other half of every range above them.
    const path = Array.from({ length: 61 }, (_, depth) =>
      end === 0n ? 1n << BigInt(63 - depth) : RING - 1n - (1n << BigInt(63 - depth)),
    )
    const pairs = Array.from({ length: 8 }, (_, point) => [end + BigInt(point), end + BigInt(point)]).flat()
    const swarms = swarmsOfPlaced(nodesAt(...path, ...pairs), { sizeMin: 1 })
    const atTheEnd = swarms.filter(({ first }) => first >= end && first < end + 8n)
    expect(atTheEnd.map(({ id, first, last }) => [id - end, first - end, last - end])).toEqual([
      [2n, 0n, 3n],
      [6n, 4n, 7n],
    ])
    expect(new Set(swarms.map(({ id }) => id)).size).toBe(swarms.length)
  },
)

test('nodes in the same place end the splitting', () => {
  const swarms = computeSwarms(
    Array.from({ length: 40 }, () => aMember(1)),
    NETWORK,
    { sizeMin: 1 },
  )
  expect(swarms.map(({ members }) => members.length)).toEqual([40])
})

test('the swarms are those of a plain reading of the rule', () => {
  fc.assert(
    fc.property(memberList, fc.integer({ min: 1, max: 8 }), (members, sizeMin) => {
      fc.pre(members.length > 0)
      const expected = swarmsByPrefix(members, sizeMin).map(({ prefix, keys }) => ({
        id: BigInt(`0b${`${prefix}1`.padEnd(64, '0')}`),
        first: BigInt(`0b${prefix.padEnd(64, '0')}`),
        last: BigInt(`0b${prefix.padEnd(64, '1')}`),
        members: keys,
      }))
      expect(computeSwarms(members, NETWORK, { sizeMin })).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})

test('every node is in one swarm, no swarm is too small, ids ascend and are never the one that means none', () => {
  fc.assert(
    fc.property(memberList, (members) => {
      const swarms = computeSwarms(members, NETWORK, options)
      expect(swarms.flatMap((swarm) => swarm.members).sort()).toEqual(members.map(({ key }) => key).sort())
      if (members.length >= options.sizeMin) {
        for (const swarm of swarms) expect(swarm.members.length).toBeGreaterThanOrEqual(options.sizeMin)
      }
      for (const [index, { id }] of swarms.entries()) {
        expect(id).toBeGreaterThan(swarms[index - 1]?.id ?? -1n)
        expect(id).toBeLessThan(RING - 1n)
      }
    }),
  )
})

test('the order of the member list does not matter', () => {
  const shuffled = memberList.chain((members) =>
    fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
  )
  fc.assert(
    fc.property(shuffled, ([members, inAnotherOrder]) => {
      expect(computeSwarms(inAnotherOrder, NETWORK, options)).toEqual(computeSwarms(members, NETWORK, options))
    }),
  )
})

test('a node that comes or goes changes only the range that it stands in', () => {
  fc.assert(
    fc.property(memberList, fc.nat(), (members, newcomer) => {
      const added = aMember(members.length, {}, `newcomer ${newcomer}`)
      const position = positionOf(added, NETWORK)
      const without = computeSwarms(members, NETWORK, options)
      const withIt = computeSwarms([...members, added], NETWORK, options)
      const changed = without.find((swarm) => holds(swarm, position))
      const isOutside = ({ first }: SwarmRange) => changed !== undefined && !holds(changed, first)
      expect(withIt.filter(isOutside)).toEqual(without.filter(isOutside))
    }),
  )
})

test('another network places the same nodes elsewhere', () => {
  const member = aMember(1)
  const other = '11'.repeat(32) as NetworkId
  expect(positionOf(member, other)).not.toBe(positionOf(member, NETWORK))
})

test('a node that registers again, under a new contract id or at another time, stands elsewhere', () => {
  const positions = [aMember(1), aMember(1, { id: 99n }), aMember(1, { addedTimestampS: 5n })]
  expect(new Set(positions.map((member) => positionOf(member, NETWORK))).size).toBe(3)
})

test('2,000 nodes make swarms of 5 to 25 nodes, most of them small', () => {
  for (const seed of ['a', 'b', 'c']) {
    const swarms = computeSwarms(someMembers(2_000, seed), NETWORK, options)
    const sizes = swarms.map(({ members }) => members.length).sort((a, b) => a - b)
    expect(sizes.at(0)).toBeGreaterThanOrEqual(5)
    expect(sizes.at(-1)).toBeLessThanOrEqual(25)
    expect(sizes[sizes.length >> 1]).toBeLessThanOrEqual(9)
  }
})
