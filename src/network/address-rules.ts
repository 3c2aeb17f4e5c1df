import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { CODE_IP4, CODE_IP6, CODE_P2P, CODE_TCP, type Multiaddr } from '@multiformats/multiaddr'

// Which addresses a node may claim. Others dial what a record says, so a record that names a private address would turn
// them against their own networks.

/** No host, everyone, or reserved: nobody can be there, not even on a network on one machine. */
const NOWHERE = blockList(['0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'], ['::/128', 'ff00::/8'])

/** Special-purpose ranges (IANA registries, RFC 6890) that are not reachable from everywhere, or lead into another address. */
const NOT_PUBLIC = blockList(
  [
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
  ],
  ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
)

/** All of IPv6 that is assigned to hosts; unique local, link-local, NAT64 and IPv4-mapped addresses lie outside. */
const GLOBAL_IPV6 = blockList([], ['2000::/3'])

/** Whether an IP address may be in a record. */
export function isAddressAllowed(ip: string, { allowPrivate }: { allowPrivate: boolean }): boolean {
  const family = isIPv4(ip) ? 'ipv4' : isIPv6(ip) && !ip.includes('%') ? 'ipv6' : undefined
  if (family === undefined || NOWHERE.check(ip, family)) return false
  if (allowPrivate) return true
  return !NOT_PUBLIC.check(ip, family) && (family === 'ipv4' || GLOBAL_IPV6.check(ip, family))
}

/** The IP address of a plain `/ip4|ip6/…/tcp/…` with or without `/p2p/…`; undefined for any other kind. */
export function addressOf(multiaddr: Multiaddr): string | undefined {
  const [host, port, peer, ...rest] = multiaddr.getComponents()
  if (rest.length > 0 || (peer !== undefined && peer.code !== CODE_P2P)) return undefined
  if (port?.code !== CODE_TCP || (host?.code !== CODE_IP4 && host?.code !== CODE_IP6)) return undefined
  return host.value
}

function blockList(ipv4: readonly string[], ipv6: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ipv4) list.addSubnet(...split(range), 'ipv4')
  for (const range of ipv6) list.addSubnet(...split(range), 'ipv6')
  return list
}

function split(range: string): [address: string, prefix: number] {
  const [address = '', prefix = ''] = range.split('/')
  return [address, Number(prefix)]
}
