import { OnionRelayError } from '../errors.ts'
import { parseServerHost, type ServerHost } from './server-host.ts'
import type { ServerProtocol } from './target-rule.ts'

// Entries of the operator's list:
//
//   entry := [ protocol "://" ] host [ ":" port ]
//   protocol := "http" | "https"                  // both unless given
//   host := a DNS name | an IP address (IPv6 in brackets)
//         | "*." name                             // names below it, not itself
//         | "*"                                   // any name with a dot in it; never an address
//   port := 1..65535 | "*"                        // the protocol's own unless given

/** A server that a client may ask for, its host in one form. */
export interface WantedServer {
  readonly protocol: ServerProtocol
  readonly host: ServerHost
  readonly port: number
}

export interface ServerRule {
  readonly protocol: ServerProtocol | undefined
  readonly port: number | '*' | undefined
  matchesHost(host: ServerHost): boolean
}

export const PROTOCOL_PORTS: Readonly<Record<ServerProtocol, number>> = { http: 80, https: 443 }
const PORT_MAX = 65_535

const ENTRY = /^(?:(?<protocol>https?):\/\/)?(?<host>\[[^\]]*\]|[^:/[\]]+)(?::(?<port>\*|[1-9]\d{0,4}))?$/

/** Undefined for a text that is no entry. */
export function parseServerRule(entry: string): ServerRule | undefined {
  const groups = ENTRY.exec(entry)?.groups
  const matchesHost = hostMatcher(groups?.['host'] ?? '')
  const port = groups?.['port']
  if (matchesHost === undefined || Number(port) > PORT_MAX) return undefined
  return {
    protocol: groups?.['protocol'] as ServerProtocol | undefined,
    port: port === undefined || port === '*' ? port : Number(port),
    matchesHost,
  }
}

/** @throws {OnionRelayError} OUTSIDE_SERVER_INVALID */
export function createAllowList(entries: readonly string[]): (server: WantedServer) => boolean {
  const rules = entries.map((entry) => {
    const rule = parseServerRule(entry)
    if (rule === undefined) throw new OnionRelayError('OUTSIDE_SERVER_INVALID', `${entry} names no outside server`)
    return rule
  })
  return (server) => rules.some((rule) => matches(rule, server))
}

function matches(rule: ServerRule, { protocol, host, port }: WantedServer): boolean {
  if (rule.protocol !== undefined && rule.protocol !== protocol) return false
  if (rule.port !== '*' && port !== (rule.port ?? PROTOCOL_PORTS[protocol])) return false
  return rule.matchesHost(host)
}

function hostMatcher(pattern: string): ServerRule['matchesHost'] | undefined {
  // Names without a dot are those of the machine and its own network.
  if (pattern === '*') return ({ kind, text }) => kind === 'name' && text.includes('.')
  const parent = pattern.startsWith('*.') ? parseServerHost(pattern.slice(2)) : undefined
  if (parent?.kind === 'name') return ({ kind, text }) => kind === 'name' && text.endsWith(`.${parent.text}`)
  const exact = parseServerHost(pattern)
  if (exact === undefined) return undefined
  return ({ kind, text }) => kind === exact.kind && text === exact.text
}
