import { keccak_256 } from '@noble/hashes/sha3.js'
import { assert } from '../base/assert.ts'
import { concat, fromHex, utf8 } from '../base/bytes.ts'
import type { BlsPublicKey } from './bls.ts'

/** A contract or account address, as viem writes it. */
export type ContractAddress = `0x${string}`

/**
 * The 32-byte tags that bind every BLS signature to one chain and one contract. The first four start the messages; `hashToG2` is
 * the domain separation tag of the hash.
 */
export interface BlsTags {
  readonly proofOfPossession: Uint8Array
  readonly reward: Uint8Array
  readonly exit: Uint8Array
  readonly liquidate: Uint8Array
  readonly hashToG2: Uint8Array
}

/** The tags of the staking contract whose proxy is at `contract`. They equal what the contract's own getters return. */
export function blsTags(chainId: number, contract: ContractAddress): BlsTags {
  const tag = (name: string) => blsTag(name, chainId, contract)
  return {
    proofOfPossession: tag('BLS_SIG_TRYANDINCREMENT_POP'),
    reward: tag('BLS_SIG_TRYANDINCREMENT_REWARD'),
    exit: tag('BLS_SIG_TRYANDINCREMENT_EXIT'),
    liquidate: tag('BLS_SIG_TRYANDINCREMENT_LIQUIDATE'),
    hashToG2: tag('BLS_SIG_HASH_TO_FIELD_TAG'),
  }
}

/** keccak256(name | chainId u256 | contract address). For tags besides the contract's five, choose a name of our own. */
export function blsTag(name: string, chainId: number, contract: ContractAddress): Uint8Array {
  return keccak_256(concat(utf8(name), uint256(BigInt(chainId)), addressBytes(contract)))
}

/** What a service node signs to prove that it holds its BLS key: bound to the operator's address and the Ed25519 key. */
export function proofOfPossessionMessage(
  tags: BlsTags,
  publicKey: BlsPublicKey,
  operator: ContractAddress,
  ed25519PublicKey: Uint8Array,
): Uint8Array {
  assert(ed25519PublicKey.length === 32, 'An Ed25519 key has 32 bytes')
  return concat(tags.proofOfPossession, publicKey, addressBytes(operator), ed25519PublicKey)
}

/** What members sign so that `recipient` may claim up to `lifetimeTotalAtomic`, counted from the network's beginning. */
export function rewardMessage(tags: BlsTags, recipient: ContractAddress, lifetimeTotalAtomic: bigint): Uint8Array {
  return concat(tags.reward, addressBytes(recipient), uint256(lifetimeTotalAtomic))
}

/** What members sign to let a service node out. The timestamp is the requester's, in seconds. */
export function exitMessage(tags: BlsTags, publicKey: BlsPublicKey, timestampS: number): Uint8Array {
  return concat(tags.exit, publicKey, uint256(BigInt(timestampS)))
}

/** What members sign to remove a service node against its operator's will. */
export function liquidateMessage(tags: BlsTags, publicKey: BlsPublicKey, timestampS: number): Uint8Array {
  return concat(tags.liquidate, publicKey, uint256(BigInt(timestampS)))
}

function uint256(value: bigint): Uint8Array {
  assert(value >= 0n && value < 1n << 256n, 'The value does not fit a uint256')
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
}

function addressBytes(address: ContractAddress): Uint8Array {
  const bytes = fromHex(address.slice(2))
  assert(address.startsWith('0x') && bytes?.length === 20, 'An address is 0x and 20 bytes of hex')
  return bytes
}
