import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat, fromHex, toHex, utf8 } from '../base/bytes.ts'
import { ProtocolError } from './errors.ts'

/**
 * A network is one staking contract on one chain. Its id is keccak256("starling-network" | chainId u256 | address),
 * 64 hex digits; it is in every protocol id and signature domain, so two networks never mix.
 */
export type NetworkId = string & { readonly kind: 'NetworkId' }

export function networkIdOf(chainId: number, contractAddress: `0x${string}`): NetworkId {
  const address = fromHex(contractAddress.slice(2))
  if (address?.length !== 20) throw new ProtocolError('FRAME_MALFORMED', 'The contract address is not 20 bytes of hex')
  if (!Number.isSafeInteger(chainId) || chainId < 0) {
    throw new ProtocolError('FRAME_MALFORMED', 'The chain id is not a non-negative integer')
  }
  const chain = fromHex(BigInt(chainId).toString(16).padStart(64, '0')) ?? new Uint8Array()
  return toHex(keccak_256(concat(utf8('starling-network'), chain, address))) as NetworkId
}

/** The id of a libp2p protocol of this network: `/starling/<first 8 hex digits>/<name>/1`. */
export function peerProtocolId(network: NetworkId, name: string): string {
  return `/starling/${network.slice(0, 8)}/${name}/1`
}
