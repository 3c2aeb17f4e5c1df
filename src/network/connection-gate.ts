import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { addressOf, isAddressAllowed } from './address-rules.ts'
import { NetworkError } from './errors.ts'
import type { ConnectionRefusal, NetworkMetrics } from './metrics.ts'
import { fromMultiaddr, fromPeerId } from './peer-identity.ts'

/** Who has a stake. */
interface Membership {
  isMember(key: ServiceNodeKey): boolean
}

export interface ConnectionGateComponents {
  membership: Membership
  metrics: NetworkMetrics
  /** Our own key: libp2p also asks about our own addresses. */
  ownKey: ServiceNodeKey
}

export interface ConnectionGateOptions {
  allowPrivateAddresses: boolean
  bootstrapMultiaddrs: readonly string[]
}

/**
 * Stake decides who may connect: Noise has proven the peer's key, and the member table is asked before a muxer is made.
 * Nothing is dialled that a record could not name, except what the operator set as bootstrap address.
 */
export function createConnectionGate(
  { membership, metrics, ownKey }: ConnectionGateComponents,
  options: ConnectionGateOptions,
): Required<Pick<ConnectionGater, GateMethod>> & {
  /** Takes other bootstrap addresses. @throws {NetworkError} BOOTSTRAP_INVALID */
  trust(addresses: readonly string[]): void
} {
  let trusted: ReadonlySet<string> = new Set()
  const trust = (addresses: readonly string[]) => {
    trusted = new Set(parseBootstrap(addresses).map(withoutPeer))
  }
  trust(options.bootstrapMultiaddrs)

  const refusePeer = (peer: PeerId): boolean => {
    const key = fromPeerId(peer)
    if (key === undefined) return refuse('not-ed25519')
    return membership.isMember(key) ? false : refuse('not-member')
  }
  const refuseAddress = (address: Multiaddr): boolean => {
    const ip = addressOf(address)
    if (ip !== undefined && isAddressAllowed(ip, { allowPrivate: options.allowPrivateAddresses })) return false
    return !trusted.has(withoutPeer(address))
  }
  const refuse = (reason: ConnectionRefusal): true => {
    metrics.connectionsRefused.inc({ reason })
    return true
  }

  return {
    trust,
    denyDialPeer: refusePeer,
    denyDialMultiaddr(address) {
      const key = fromMultiaddr(address)
      if (key !== undefined && !membership.isMember(key)) return refuse('not-member')
      return refuseAddress(address) ? refuse('address') : false
    },
    denyOutboundConnection: refusePeer,
    denyInboundEncryptedConnection: refusePeer,
    denyOutboundEncryptedConnection: refusePeer,
    // Asked again: the member table may have changed during the handshake.
    denyInboundUpgradedConnection: refusePeer,
    denyOutboundUpgradedConnection: refusePeer,
    /** Says whether to store an address, unlike the others. */
    filterMultiaddrForPeer(peer, address) {
      const key = fromPeerId(peer)
      if (key === ownKey) return true
      return key !== undefined && membership.isMember(key) && !refuseAddress(address)
    },
  }
}

type GateMethod =
  | 'denyDialPeer'
  | 'denyDialMultiaddr'
  | 'denyOutboundConnection'
  | 'denyInboundEncryptedConnection'
  | 'denyOutboundEncryptedConnection'
  | 'denyInboundUpgradedConnection'
  | 'denyOutboundUpgradedConnection'
  | 'filterMultiaddrForPeer'

/** @throws {NetworkError} BOOTSTRAP_INVALID */
export function parseBootstrap(addresses: readonly string[]): readonly Multiaddr[] {
  return addresses.map((text) => {
    try {
      return multiaddr(text)
    } catch {
      const message = `network.bootstrap has ${JSON.stringify(text)}, but takes multiaddrs such as /ip4/192.0.2.7/tcp/22020`
      throw new NetworkError('BOOTSTRAP_INVALID', message)
    }
  })
}

function withoutPeer(address: Multiaddr): string {
  const peer = address.getComponents().find((component) => component.code === CODE_P2P)
  return peer === undefined ? address.toString() : address.decapsulateCode(CODE_P2P).toString()
}
