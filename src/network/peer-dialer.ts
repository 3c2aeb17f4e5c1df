import type { Connection } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Clock, DurationMs } from '../base/clock.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeContact, ServiceNodeKey } from '../protocol/service-node.ts'
import type { Host } from './host.ts'
import type { NetworkMetrics } from './metrics.ts'
import type { NetworkOptions } from './options.ts'
import { toPeerId } from './peer-identity.ts'

/** Where a service node is. */
interface Contacts {
  contact(key: ServiceNodeKey): ServiceNodeContact | undefined
}

export interface PeerDialerComponents {
  host: Host
  contacts: Contacts
  clock: Clock
  metrics: NetworkMetrics
}

type Options = Pick<NetworkOptions, 'dialTimeoutMs' | 'dialBackoffMinMs' | 'dialBackoffMaxMs'>

interface Backoff {
  readonly pauseMs: DurationMs
  readonly untilMs: DurationMs
}

/** Finds or makes the connection to a service node: one dial per peer at once, and pauses that grow after failures. */
export class PeerDialer {
  readonly #components: PeerDialerComponents
  readonly #options: Options
  readonly #dials = new Map<ServiceNodeKey, Promise<Connection>>()
  readonly #backoffs = new Map<ServiceNodeKey, Backoff>()

  constructor(components: PeerDialerComponents, options: Options) {
    this.#components = components
    this.#options = options
  }

  /** @throws {PeerRequestError} PEER_UNKNOWN, PEER_UNREACHABLE */
  async connect(key: ServiceNodeKey): Promise<Connection> {
    return this.open(key) ?? this.#dials.get(key) ?? this.#dial(key)
  }

  /** The connection to this peer, if there is one. */
  open(key: ServiceNodeKey): Connection | undefined {
    return this.#components.host.getConnections(toPeerId(key)).find((connection) => connection.status === 'open')
  }

  /** To be called when there is reason to think that the peer can be reached again, or is no member any more. */
  forget(key: ServiceNodeKey): void {
    this.#backoffs.delete(key)
  }

  #dial(key: ServiceNodeKey): Promise<Connection> {
    const { contacts, clock } = this.#components
    const contact = contacts.contact(key)
    if (contact === undefined) throw new PeerRequestError('PEER_UNKNOWN', 'No record of this service node is known')
    const backoff = this.#backoffs.get(key)
    if (backoff !== undefined && clock.monotonicMs() < backoff.untilMs) {
      throw new PeerRequestError('PEER_UNREACHABLE', 'This service node could not be reached a moment ago')
    }
    const dial = this.#tryOnce(key, multiaddrOf(contact)).finally(() => this.#dials.delete(key))
    this.#dials.set(key, dial)
    return dial
  }

  async #tryOnce(key: ServiceNodeKey, address: Multiaddr): Promise<Connection> {
    const { host, metrics } = this.#components
    try {
      const connection = await host.dial(address, { signal: AbortSignal.timeout(this.#options.dialTimeoutMs) })
      this.#backoffs.delete(key)
      metrics.dials.inc({ outcome: 'connected' })
      return connection
    } catch (cause) {
      metrics.dials.inc({ outcome: 'failed' })
      this.#backOff(key)
      throw new PeerRequestError('PEER_UNREACHABLE', 'This service node cannot be reached', { cause })
    }
  }

  #backOff(key: ServiceNodeKey): void {
    const { dialBackoffMinMs, dialBackoffMaxMs } = this.#options
    const last = this.#backoffs.get(key)
    const pauseMs = last === undefined ? dialBackoffMinMs : Math.min(last.pauseMs * 2, dialBackoffMaxMs)
    this.#backoffs.set(key, { pauseMs, untilMs: this.#components.clock.monotonicMs() + pauseMs })
  }
}

/** With its peer id, so that nobody else at this address is taken for it. */
export function multiaddrOf({ key, ip, peerPort }: ServiceNodeContact): Multiaddr {
  return multiaddr(`/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/${peerPort}/p2p/${toPeerId(key)}`)
}
