import fc from 'fast-check'
import { decodeFunctionResult, encodeFunctionResult, type Hex, multicall3Abi, toHex } from 'viem'
import { expect, test } from 'vitest'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import { parseBlock, parseData, parseHash, parseQuantity } from '../../../src/staking/chain-reply.ts'
import { StakingError } from '../../../src/staking/errors.ts'
import { decodeId, decodeMember, decodeMemberIds } from '../../../src/staking/member-codec.ts'
import { decodeBundle } from '../../../src/staking/member-list.ts'

// What a provider may send: whatever it is, it is read right or refused with a code.

const point = (n: bigint) => ({ X: n + 1n, Y: n + 2n })
const node = {
  ...{ next: 0n, prev: 0n, operator: '0x00000000000000000000000000000000000000aa' as Hex, blsPubkey: point(7n) },
  ...{ addedTimestamp: 1000n, leaveRequestTimestamp: 2000n, latestLeaveRequestTimestamp: 3000n, deposit: 25n },
  ed25519Pubkey: 0xabcn,
  contributors: [
    {
      staker: {
        addr: '0x00000000000000000000000000000000000000aa' as Hex,
        beneficiary: '0x00000000000000000000000000000000000000bb' as Hex,
      },
      stakedAmount: 25n,
    },
  ],
}
const nodeData = encodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName: 'serviceNodes', result: node })
const idsOf = (ids: bigint[]) =>
  encodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName: 'allServiceNodeIDs', result: [ids, ids.map(point)] })
const bundleData = encodeFunctionResult({
  abi: multicall3Abi,
  functionName: 'aggregate3',
  result: [{ success: true, returnData: nodeData }],
})

const decoders: readonly (readonly [string, Hex, (data: Hex) => unknown])[] = [
  ['a service node', nodeData, (data) => decodeMember(9n, data)],
  ['the list of ids', idsOf([3n, 1n, 2n]), (data) => decodeMemberIds(data, 100)],
  ['an id', toHex(5n, { size: 32 }), decodeId],
  ['bundled results', bundleData, (data) => decodeBundle(data, 1)],
]

function refused(decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    expect(error).toBeInstanceOf(StakingError)
  }
}

test('a service node is read field by field', () => {
  expect(decodeMember(9n, nodeData)).toEqual({
    id: 9n,
    key: 'abc'.padStart(64, '0'),
    bls: '8'.padStart(64, '0') + '9'.padStart(64, '0'),
    operator: '0x00000000000000000000000000000000000000aa',
    addedTimestampS: 1000n,
    leaveRequestTimestampS: 2000n,
    depositAtomic: 25n,
  })
})

test('the all-zero struct is nobody', () => {
  const nobody = { ...node, ed25519Pubkey: 0n, blsPubkey: { X: 0n, Y: 0n }, contributors: [] }
  const data = encodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName: 'serviceNodes', result: nobody })
  expect(decodeMember(9n, data)).toBeUndefined()
})

test('ids are sorted, and zero, doubles and too many of them are refused', () => {
  expect(decodeMemberIds(idsOf([3n, 1n, 2n]), 3).map(({ id }) => id)).toEqual([1n, 2n, 3n])
  expect(() => decodeMemberIds(idsOf([3n, 1n, 2n]), 2)).toThrow(expect.objectContaining({ code: 'MEMBERS_TOO_MANY' }))
  for (const ids of [
    [0n, 1n],
    [1n, 1n],
  ]) {
    expect(() => decodeMemberIds(idsOf(ids), 9)).toThrow(expect.objectContaining({ code: 'PROVIDER_REPLY_MALFORMED' }))
  }
})

test('a timestamp that does not fit the root is refused', () => {
  const result = { ...node, addedTimestamp: 1n << 64n }
  const data = encodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName: 'serviceNodes', result })
  expect(() => decodeMember(9n, data)).toThrow(expect.objectContaining({ code: 'PROVIDER_REPLY_MALFORMED' }))
})

test.each(decoders)('%s cut short at any length is refused', (_, data, decode) => {
  for (let length = 2; length < data.length; length += 2) {
    expect(() => decode(data.slice(0, length) as Hex)).toThrow(StakingError)
  }
})

test.each(decoders)('%s that is changed at random is read or refused', (_, data, decode) => {
  const bytes = Buffer.from(data.slice(2), 'hex')
  const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(edits, (changes) => {
      const mutated = Buffer.from(bytes)
      for (const [at, value] of changes) mutated[at] = value
      refused(() => decode(`0x${mutated.toString('hex')}`))
    }),
    { numRuns: 1000 },
  )
})

test.each(decoders)('%s of random bytes is read or refused', (_, _data, decode) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => refused(() => decode(toHex(bytes)))),
    { numRuns: 1000 },
  )
})

test('any JSON in the place of a block, a quantity or bytes is read or refused', () => {
  const blockish = fc.record(
    { number: fc.jsonValue(), hash: fc.jsonValue(), parentHash: fc.jsonValue(), timestamp: fc.jsonValue() },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), blockish), (value) => {
      refused(() => parseBlock(value))
      refused(() => parseQuantity(value, 'x'))
      refused(() => parseHash(value, 'x'))
      refused(() => parseData(value, 'x'))
    }),
    { numRuns: 3000 },
  )
})

test('a list of ids is read as an ABI decoder reads it, and refused where the contract would encode it otherwise', () => {
  const call = { abi: serviceNodeRewardsAbi, functionName: 'allServiceNodeIDs' } as const
  const u256 = fc.bigInt({ min: 1n, max: (1n << 256n) - 1n })
  const entries = fc.uniqueArray(fc.record({ id: fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }), X: u256, Y: u256 }), {
    selector: ({ id }) => id,
    maxLength: 6,
  })
  fc.assert(
    fc.property(entries, fc.nat(), fc.constantFrom(...'0123456789abcdefA'), (list, place, digit) => {
      const data = encodeFunctionResult({ ...call, result: [list.map(({ id }) => id), list] })
      const hex = (value: bigint) => value.toString(16).padStart(64, '0')
      const expected = list.map(({ id, X, Y }) => ({ id, bls: hex(X) + hex(Y) })).sort((a, b) => (a.id < b.id ? -1 : 1))
      expect(decodeMemberIds(data, 6)).toEqual(expected)
      const at = 2 + (place % (data.length - 2))
      const other: Hex = `0x${data.slice(2, at)}${digit}${data.slice(at + 1)}`
      refused(() => {
        const read = decodeMemberIds(other, 6)
        const result = decodeFunctionResult({ ...call, data: other })
        expect(encodeFunctionResult({ ...call, result })).toBe(other)
        expect(new Set(read.map(({ id }) => id))).toEqual(new Set(result[0]))
      })
    }),
    { numRuns: 1000 },
  )
})
