import { encodeFunctionData } from 'viem'
import { fromHex } from '../base/bytes.ts'
import type { Member, ServiceNodeKey } from '../protocol/service-node.ts'
import { serviceNodeRewardsAbi } from './abi.ts'
import type { ChainProvider } from './chain-provider.ts'
import type { ChainBlock, Hex } from './chain-reply.ts'
import { decodeId, decodeMember, memberCall } from './member-codec.ts'

/** The public keys that a service node registers with. */
export interface NodeKeys {
  readonly key: ServiceNodeKey
  /** X | Y, 128 hex digits. */
  readonly bls: string
}

/** What the contract holds under each of the two keys. Ours only if both lead to the same member. */
export interface OwnRegistration {
  readonly byKey: Member | undefined
  readonly byBls: Member | undefined
}

/** Reads what the contract holds in the state after `block`, from one provider. */
export async function readOwnRegistration(
  provider: ChainProvider,
  contract: Hex,
  keys: NodeKeys,
  block: ChainBlock,
  signal: AbortSignal,
): Promise<OwnRegistration> {
  const call = (data: Hex) => provider.call({ to: contract, data }, block.number, signal)
  const member = async (id: bigint) => (id === 0n ? undefined : decodeMember(id, await call(memberCall(id))))
  const ids = await Promise.all([call(idOfKeyCall(keys.key)), call(idOfBlsCall(keys.bls))])
  // The contract may be younger than the last finalized block.
  const isMissing = ids[0] === '0x' && !(await provider.hasCode(contract, block.number, signal))
  if (isMissing) return { byKey: undefined, byBls: undefined }
  const [byKey, byBls] = ids.map(decodeId)
  const first = await member(byKey ?? 0n)
  return { byKey: first, byBls: byBls === byKey ? first : await member(byBls ?? 0n) }
}

/** Whether both keys lead to one member, and that member has both. */
export function isOurs({ byKey, byBls }: OwnRegistration, keys: NodeKeys): boolean {
  return byKey !== undefined && byKey.id === byBls?.id && byKey.key === keys.key && byKey.bls === keys.bls
}

export function isNobodys({ byKey, byBls }: OwnRegistration): boolean {
  return byKey === undefined && byBls === undefined
}

function idOfKeyCall(key: ServiceNodeKey): Hex {
  return encodeFunctionData({
    abi: serviceNodeRewardsAbi,
    functionName: 'ed25519ToServiceNodeID',
    args: [BigInt(`0x${key}`)],
  })
}

function idOfBlsCall(bls: string): Hex {
  const bytes = fromHex(bls)
  if (bytes?.length !== 64) throw new RangeError('A BLS key has 64 bytes')
  return encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: 'serviceNodeIDs', args: [`0x${bls}`] })
}
