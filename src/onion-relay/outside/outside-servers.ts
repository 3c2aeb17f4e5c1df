import type { Clock, DurationMs } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import type { ServerAddress } from '../../protocol/onion/layer-content.ts'
import type { OnionRelayMetrics } from '../metrics.ts'
import type { OutsideServerOptions } from '../options.ts'
import { createAllowList, type WantedServer } from './allow-list.ts'
import { createHostAddresses } from './host-addresses.ts'
import { createPlaces } from './places.ts'
import { createPoster } from './post.ts'
import { parseServerHost } from './server-host.ts'
import { isServerProtocol, isTargetAllowed } from './target-rule.ts'

export interface OutsideServerComponents {
  readonly clock: Clock
  readonly metrics: OnionRelayMetrics
  /** Addresses under which others know this machine, besides those of its interfaces. */
  readonly ownAddresses: readonly string[]
}

export type ServerOutcome =
  | { readonly kind: 'answered'; readonly status: number; readonly body: Uint8Array }
  /** What is named is no server that takes onion requests. */
  | { readonly kind: 'url_invalid' }
  /** The operator's list does not have the server. */
  | { readonly kind: 'not_allowed' }
  /** The server's name leads to an address that is not for strangers. */
  | { readonly kind: 'address_refused' }
  /** No address, no connection, no trusted certificate, or no HTTP. */
  | { readonly kind: 'unreachable' }
  /** The answer is too large, or its status is none. */
  | { readonly kind: 'invalid' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'timeout' }
  /** Whoever asked no longer waits. */
  | { readonly kind: 'aborted' }

export interface OutsideServers {
  /** Posts `layer`, as it is, to the server that a client names. Never rejects but on a bug. */
  ask(
    address: ServerAddress,
    layer: Uint8Array,
    limits: { timeoutMs: DurationMs; signal: AbortSignal },
  ): Promise<ServerOutcome>
}

const STATUS_MIN = 200
const STATUS_MAX = 599

/**
 * Asks outside servers for clients (docs/protocol/onion-requests.md, "Outside servers"): those on the operator's list, at
 * addresses that anybody could reach.
 */
export function createOutsideServers(
  { clock, metrics, ownAddresses }: OutsideServerComponents,
  options: OutsideServerOptions,
): OutsideServers {
  const isAllowed = createAllowList(options.enabled ? options.servers : [])
  const addressesOf = createHostAddresses(ownAddresses, options)
  const places = createPlaces(options)
  const post = createPoster(options)

  async function send(
    server: WantedServer,
    target: string,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<ServerOutcome> {
    const found = await addressesOf(server.host, signal)
    if (found.kind === 'refused') return { kind: 'address_refused' }
    if (found.kind === 'unknown') return { kind: 'unreachable' }
    const answer = await post({ server, addresses: found.addresses, target, body }, signal)
    if (answer.kind === 'busy') return answer
    if (answer.kind === 'too_large' || !isStatus(answer.status)) return { kind: 'invalid' }
    return answer
  }

  /** `send` with a place, a deadline, and no exceptions. */
  async function attempt(
    server: WantedServer,
    target: string,
    body: Uint8Array,
    { timeoutMs, signal }: { timeoutMs: DurationMs; signal: AbortSignal },
  ): Promise<ServerOutcome> {
    const leave = places.take(`${server.host.text}:${server.port}`)
    if (leave === undefined) return { kind: 'busy' }
    const deadline = withDeadline(Math.min(options.timeoutMs, timeoutMs), signal)
    const startMs = clock.monotonicMs()
    metrics.outsideRequestsInFlight.set(places.taken)
    try {
      return await send(server, target, body, deadline)
    } catch (error) {
      if (signal.aborted) return { kind: 'aborted' }
      if (deadline.aborted) return { kind: 'timeout' }
      // Whatever sockets, TLS and HTTP have to say is the server's failure; a TypeError is a fault of this program.
      if (error instanceof TypeError) throw error
      return { kind: 'unreachable' }
    } finally {
      leave()
      metrics.outsideRequestsInFlight.set(places.taken)
      metrics.outsideSeconds.observe((clock.monotonicMs() - startMs) / 1000)
    }
  }

  return {
    async ask({ protocol, host: hostText, port, target }, layer, limits) {
      const host = parseServerHost(hostText)
      if (host === undefined || !isServerProtocol(protocol) || !isTargetAllowed(target)) return { kind: 'url_invalid' }
      const server = { protocol, host, port }
      if (!isAllowed(server)) return { kind: 'not_allowed' }
      return attempt(server, target, layer, limits)
    },
  }
}

function isStatus(status: number): boolean {
  return status >= STATUS_MIN && status <= STATUS_MAX
}
