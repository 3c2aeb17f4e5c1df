import { isIPv6 } from 'node:net'

const V4_MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/**
 * What limits count a client by: its IPv4 address, or the first 64 bits of its IPv6 address, since a subscriber has at
 * least that many addresses to choose from. Never logged.
 */
export function limitedAddress(remoteAddress: string | undefined): string {
  if (remoteAddress === undefined) return ''
  const mapped = V4_MAPPED.exec(remoteAddress)?.[1]
  if (mapped !== undefined) return mapped
  return isIPv6(remoteAddress) ? prefix64(remoteAddress) : remoteAddress
}

/** The first four groups. An address may leave out a run of zero groups once, and name its scope after a percent sign. */
function prefix64(address: string): string {
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  // Dotted IPv4 at the end stands for two groups, none of which is among the first four.
  const afterCount = after.length + (tail?.includes('.') ? 1 : 0)
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - afterCount)
  const first = [...groups, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4)
  return first.map((group) => Number.parseInt(group, 16).toString(16)).join(':')
}
