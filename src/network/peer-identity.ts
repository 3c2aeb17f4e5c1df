import { privateKeyFromRaw, publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, type Multiaddr } from '@multiformats/multiaddr'
import type { Ed25519KeyPair } from '../crypto/keys.ts'
import { ed25519PublicKey } from '../crypto/keys.ts'
import { type ServiceNodeKey, serviceNodeKey, serviceNodeKeyBytes } from '../protocol/service-node.ts'

/** libp2p's form of our key: seed, then public key, as libsodium keeps it. */
export function toPrivateKey(identity: Ed25519KeyPair): PrivateKey {
  return privateKeyFromRaw(identity.secretKey)
}

/** The peer id contains the whole public key, so no table is needed in either direction. */
export function toPeerId(key: ServiceNodeKey): PeerId {
  const publicKey = publicKeyFromRaw(serviceNodeKeyBytes(key))
  return peerIdFromPublicKey(publicKey)
}

/** Undefined for a peer whose key is not Ed25519: it cannot be a service node. */
export function fromPeerId(peer: PeerId): ServiceNodeKey | undefined {
  if (peer.type !== 'Ed25519') return undefined
  return serviceNodeKey(ed25519PublicKey(peer.publicKey.raw))
}

/** Whom a multiaddr names in its `/p2p/` part, if anyone that can be a service node. */
export function fromMultiaddr(address: Multiaddr): ServiceNodeKey | undefined {
  const text = address.getComponents().findLast((component) => component.code === CODE_P2P)?.value
  if (text === undefined) return undefined
  try {
    return fromPeerId(peerIdFromString(text))
  } catch {
    return undefined
  }
}
