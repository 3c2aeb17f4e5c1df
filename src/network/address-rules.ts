import { CODE_IP4, CODE_IP6, CODE_P2P, CODE_TCP, type Multiaddr } from '@multiformats/multiaddr'
import { kindOfAddress } from '../base/ip-address.ts'

// Which addresses a node may claim. Others dial what a record says, so a record that names a private address would turn
// them against their own networks.

/** Whether an IP address may be in a record. */
export function isAddressAllowed(ip: string, { allowPrivate }: { allowPrivate: boolean }): boolean {
  const kind = kindOfAddress(ip)
  return kind === 'public' || (allowPrivate && kind === 'special')
}

/** The IP address of a plain `/ip4|ip6/…/tcp/…` with or without `/p2p/…`; undefined for any other kind. */
export function addressOf(multiaddr: Multiaddr): string | undefined {
  const [host, port, peer, ...rest] = multiaddr.getComponents()
  if (rest.length > 0 || (peer !== undefined && peer.code !== CODE_P2P)) return undefined
  if (port?.code !== CODE_TCP || (host?.code !== CODE_IP4 && host?.code !== CODE_IP6)) return undefined
  return host.value
}
