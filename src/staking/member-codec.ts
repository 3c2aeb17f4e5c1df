import { decodeFunctionResult, encodeFunctionData, encodeFunctionResult } from 'viem'
import { type Member, parseServiceNodeKey } from '../protocol/service-node.ts'
import { serviceNodeRewardsAbi } from './abi.ts'
import { type Hex, malformed } from './chain-reply.ts'
import { StakingError } from './errors.ts'

// What the contract's reads return, checked beyond the ABI. Every function here takes any bytes and throws nothing but StakingError.

/** An entry of the list of ids: the contract's id, and X | Y of the BLS key as 128 hex digits. */
export interface MemberId {
  readonly id: bigint
  readonly bls: string
}

export const ALL_IDS_CALL: Hex = encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: 'allServiceNodeIDs' })

export function memberCall(id: bigint): Hex {
  return encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: 'serviceNodes', args: [id] })
}

/**
 * Two arrays, read word by word: an ABI decoder, and its encoder for the check that this is the contract's own encoding, would stop
 * everything else for some 50 ms with 2,000 members.
 * @throws {StakingError} PROVIDER_REPLY_MALFORMED, MEMBERS_TOO_MANY
 */
export function decodeMemberIds(data: Hex, countMax: number): readonly MemberId[] {
  const wordAt = (index: number) => data.slice(2 + index * WORD_DIGITS, 2 + (index + 1) * WORD_DIGITS)
  // Where the arrays are, how many ids, the ids, how many keys, the keys at two words each.
  const count = ((data.length - 2) / WORD_DIGITS - 4) / 3
  const isWhole = /^0x[0-9a-f]*$/.test(data) && Number.isInteger(count) && count >= 0
  const frame = [wordAt(0), wordAt(1), wordAt(2), wordAt(3 + count)]
  const expected = [0x40, 0x60 + 0x20 * count, count, count].map(wordOf)
  if (!isWhole || frame.join() !== expected.join()) throw malformed('the list of ids')
  if (count > countMax) throw new StakingError('MEMBERS_TOO_MANY', 'The contract lists more members than we follow')
  const entries = Array.from({ length: count }, (_, index): MemberId => {
    const [id, x, y] = [wordAt(3 + index), wordAt(4 + count + 2 * index), wordAt(5 + count + 2 * index)]
    if (!id.startsWith(ID_PADDING)) throw malformed('an id')
    if (x + y === wordOf(0) + wordOf(0)) throw malformed('a BLS key')
    return { id: BigInt(`0x${id}`), bls: x + y }
  }).sort((a, b) => (a.id < b.id ? -1 : 1))
  entries.forEach((entry, index) => {
    if (entry.id === 0n || entry.id === entries[index - 1]?.id) throw malformed('an id is zero or occurs twice')
  })
  return entries
}

const WORD_DIGITS = 64
/** An id has 64 bits. */
const ID_PADDING = '0'.repeat(48)

function wordOf(value: number): string {
  return value.toString(16).padStart(WORD_DIGITS, '0')
}

/** The member of an id, or undefined for the all-zero struct that stands for nobody. */
export function decodeMember(id: bigint, data: Hex): Member | undefined {
  const node = decodeServiceNode(data)
  if (node.ed25519Pubkey === 0n) return undefined
  const key = parseServiceNodeKey(hex32(node.ed25519Pubkey))
  if (key === undefined) throw malformed('an Ed25519 key')
  return {
    id,
    key,
    bls: blsText(node.blsPubkey),
    operator: node.operator.toLowerCase() as Hex,
    addedTimestampS: timestamp(node.addedTimestamp),
    leaveRequestTimestampS: timestamp(node.leaveRequestTimestamp),
    depositAtomic: node.deposit,
  }
}

/** What `serviceNodes` returns: all zero for nobody. */
export function decodeServiceNode(data: Hex) {
  const call = { abi: serviceNodeRewardsAbi, functionName: 'serviceNodes' } as const
  return decoded('a service node', () => {
    const result = decodeFunctionResult({ ...call, data })
    requireCanonical(data, encodeFunctionResult({ ...call, result }))
    return result
  })
}

/** The id that `ed25519ToServiceNodeID` or `serviceNodeIDs` returns; zero for nobody. */
export function decodeId(data: Hex): bigint {
  return decoded('an id', () =>
    decodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName: 'ed25519ToServiceNodeID', data }),
  )
}

export function blsText(point: { readonly X: bigint; readonly Y: bigint } | undefined): string {
  if (point === undefined || (point.X === 0n && point.Y === 0n)) throw malformed('a BLS key')
  return hex32(point.X) + hex32(point.Y)
}

/** The root holds timestamps in 64 bits; the contract's integers are wider. */
function timestamp(value: bigint): bigint {
  if (value >= 1n << 64n) throw malformed('a timestamp')
  return value
}

function hex32(value: bigint): string {
  return value.toString(16).padStart(64, '0')
}

/**
 * ABI decoders follow offsets wherever they point, so many byte strings decode to the same: zeros are an empty list. The contract
 * only ever returns the plainest of them.
 */
export function requireCanonical(data: Hex, canonical: Hex): void {
  if (data !== canonical) throw malformed('an encoding that the contract does not use')
}

/** viem's decoder throws many kinds of errors, and quotes what it read. */
export function decoded<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch {
    throw malformed(what)
  }
}
