import { Resolver } from 'node:dns/promises'
import { BlockList, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { DurationMs } from '../../base/clock.ts'
import { raceSignal, withDeadline } from '../../base/deadline.ts'
import { embeddedIPv4, kindOfAddress } from '../../base/ip-address.ts'
import type { ServerHost } from './server-host.ts'

export interface HostAddressOptions {
  /** Take loopback and private addresses, and this machine's own. */
  readonly allowPrivateAddresses: boolean
  /** DNS servers to ask, `address` or `address:port`; those of the system when there are none. */
  readonly dnsServers: readonly string[]
  readonly resolveTimeoutMs: DurationMs
}

export type HostAddresses =
  | { readonly kind: 'found'; readonly addresses: readonly string[] }
  /** At least one of the addresses is one that no stranger may reach through this node. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unknown' }

const DNS_TRIES = 2
/** Of a long answer, the rest is not tried. */
const ADDRESSES_MAX = 8

/**
 * Finds where a host is, and judges it. Whoever connects must connect to one of `addresses` and ask no DNS again: a name that
 * changes its answer between the check and the connection would otherwise lead anywhere.
 */
export function createHostAddresses(
  ownAddresses: readonly string[],
  { allowPrivateAddresses, dnsServers, resolveTimeoutMs }: HostAddressOptions,
): (host: ServerHost, signal: AbortSignal) => Promise<HostAddresses> {
  async function resolve(name: string, signal: AbortSignal): Promise<string[]> {
    // A resolver of its own for each name, so that it follows changes of the system's settings. It takes 20 microseconds.
    const resolver = new Resolver({ timeout: Math.ceil(resolveTimeoutMs / DNS_TRIES), tries: DNS_TRIES })
    if (dnsServers.length > 0) resolver.setServers(dnsServers)
    const deadline = withDeadline(resolveTimeoutMs, signal)
    try {
      const families = [resolver.resolve4(name), resolver.resolve6(name)]
      return await raceSignal(addressesOf(families), deadline)
    } finally {
      resolver.cancel()
    }
  }

  const isAllowed = (ip: string, own: BlockList) => {
    const end = embeddedIPv4(ip) ?? ip
    const kind = kindOfAddress(end)
    if (allowPrivateAddresses) return kind === 'public' || kind === 'special'
    return kind === 'public' && !own.check(end, isIPv6(end) ? 'ipv6' : 'ipv4')
  }

  return async ({ kind, text }, signal) => {
    const addresses = kind === 'address' ? [text] : await resolve(text, signal)
    if (addresses.length === 0) return { kind: 'unknown' }
    // One address that is refused condemns all: no honest server is both inside and outside.
    const own = listOf([...ownAddresses, ...interfaceAddresses()])
    if (!addresses.every((ip) => isAllowed(ip, own))) return { kind: 'refused' }
    return { kind: 'found', addresses: addresses.slice(0, ADDRESSES_MAX) }
  }
}

/** Of both families. One whose DNS fails does not hold up the other; when neither answers, the name is unknown. */
async function addressesOf(families: readonly Promise<string[]>[]): Promise<string[]> {
  const answers = await Promise.allSettled(families)
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? [])
}

function listOf(addresses: readonly string[]): BlockList {
  const list = new BlockList()
  for (const ip of addresses) list.addAddress(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
  return list
}
