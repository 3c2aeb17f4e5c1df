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

/** @throws {StakingError} PROVIDER_REPLY_MALFORMED, MEMBERS_TOO_MANY */
export function decodeMemberIds(data: Hex, countMax: number): readonly MemberId[] {
  const call = { abi: serviceNodeRewardsAbi, functionName: 'allServiceNodeIDs' } as const
  const [ids, keys] = decoded('the list of ids', () => {
    const result = decodeFunctionResult({ ...call, data })
    requireCanonical(data, encodeFunctionResult({ ...call, result }))
    return result
  })
  if (ids.length !== keys.length) throw malformed('ids and keys differ in number')
  if (ids.length > countMax)
    throw new StakingError('MEMBERS_TOO_MANY', 'The contract lists more members than we follow')
  const entries = ids.map((id, index) => ({ id, bls: blsText(keys[index]) })).sort((a, b) => (a.id < b.id ? -1 : 1))
  entries.forEach((entry, index) => {
    if (entry.id === 0n || entry.id === entries[index - 1]?.id) throw malformed('an id is zero or occurs twice')
  })
  return entries
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
