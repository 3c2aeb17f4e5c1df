import { BlockList, isIPv4, isIPv6 } from 'node:net'

// What kind of place an IP address leads to (IANA's special-purpose registries, RFC 6890). Whoever lets strangers name
// addresses needs it: nothing that is not public may be reached for them.

/** `special` is a network of its own, or leads into another address; `nowhere` is no host, everyone, or reserved. */
export type AddressKind = 'public' | 'special' | 'nowhere'

/** Nobody can be there, not even on a network on one machine. */
const NOWHERE = blockList(['0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'], ['::/128', 'ff00::/8'])

const SPECIAL = blockList(
  [
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    // Link-local; 169.254.169.254 gives cloud machines their credentials.
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.31.196.0/24',
    '192.52.193.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '192.175.48.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
  ],
  // Teredo and other tunnels, documentation, 6to4, and AS112's name servers.
  ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'],
)

/** All of IPv6 that is assigned to hosts; unique local, link-local, NAT64 and IPv4-mapped addresses lie outside. */
const GLOBAL_IPV6 = blockList([], ['2000::/3'])

/** Undefined for what is not an IP address, or names an interface of one machine. */
export function kindOfAddress(ip: string): AddressKind | undefined {
  const family = isIPv4(ip) ? 'ipv4' : isIPv6(ip) && !ip.includes('%') ? 'ipv6' : undefined
  if (family === undefined) return undefined
  if (NOWHERE.check(ip, family)) return 'nowhere'
  return SPECIAL.check(ip, family) || (family === 'ipv6' && !GLOBAL_IPV6.check(ip, family)) ? 'special' : 'public'
}

/** IPv4 addresses in the coat of IPv6 ones: mapped (RFC 4291 2.5.5.2), and translated by NAT64 (RFC 6052 2.1). */
const EMBEDDING = blockList([], ['::ffff:0:0/96', '64:ff9b::/96'])
const GROUPS = 8

/** The IPv4 address to which packets for `ip` go in the end, if there is one in it. */
export function embeddedIPv4(ip: string): string | undefined {
  if (!isIPv6(ip) || ip.includes('%') || !EMBEDDING.check(ip, 'ipv6')) return undefined
  const [high = 0, low = 0] = groupsOf(ip).slice(-2)
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

function groupsOf(ip: string): number[] {
  // The URL parser writes all forms of an address in one: no dotted tail, and zeros left out at one place at most.
  const text = new URL(`http://[${ip}]`).hostname.slice(1, -1)
  const [head = [], tail = []] = text.split('::').map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: GROUPS - head.length - tail.length }, () => '0')
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16))
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
