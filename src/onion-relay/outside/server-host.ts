import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/** A host as a client or an operator names it, in one form only. */
export interface ServerHost {
  readonly kind: 'name' | 'address'
  /** A name in lower case, or an address without brackets. */
  readonly text: string
}

const NAME_MAX_CHARS = 253
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const NAME = new RegExp(`^(?:${LABEL}\\.)*${LABEL}$`)
/** What some programs read as an IPv4 address, however oddly it is written: `0x7f.1`, `2130706433`, `0177.0.0.1`. */
const NUMBER_AT_END = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/
/** No zone ids: they name an interface of this machine. */
const BRACKETED = /^\[([0-9a-f:.]+)\]$/

/**
 * Undefined for anything but a plain DNS name, four decimal numbers, or an IPv6 address in brackets. What programs read in
 * different ways (numbers in other bases, percent signs, user names, trailing dots, other letters) is nobody's name here.
 */
export function parseServerHost(text: string): ServerHost | undefined {
  if (text.length > NAME_MAX_CHARS) return undefined
  const lower = text.toLowerCase()
  if (isIPv4(lower)) return { kind: 'address', text: lower }
  const bracketed = BRACKETED.exec(lower)?.[1]
  if (bracketed !== undefined) return parseIPv6(bracketed)
  return NAME.test(lower) && !NUMBER_AT_END.test(lower) ? { kind: 'name', text: lower } : undefined
}

function parseIPv6(text: string): ServerHost | undefined {
  if (!isIPv6(text)) return undefined
  return { kind: 'address', text: new SocketAddress({ address: text, family: 'ipv6' }).address }
}
