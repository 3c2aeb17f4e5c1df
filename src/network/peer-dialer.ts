import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Connection } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Clock, DurationMs } from '../base/clock.ts'
import { withDeadline } from '../base/deadline.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeContact, ServiceNodeKey } from '../protocol/service-node.ts'
import { addressOf } from './address-rules.ts'
import { type Host, portOf } from './host.ts'
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

interface Dial {
  readonly address: Multiaddr
  readonly control: AbortController
  readonly connected: Promise<Connection>
}

interface Backoff {
  readonly pauseMs: DurationMs
  readonly untilMs: DurationMs
}

/** Finds or makes the connection to a service node: one dial per peer at once, and pauses that grow after failures. */
export class PeerDialer {
  readonly #components: PeerDialerComponents
  readonly #options: Options
  readonly #dials = new Map<ServiceNodeKey, Dial>()
  readonly #backoffs = new Map<ServiceNodeKey, Backoff>()

  constructor(components: PeerDialerComponents, options: Options) {
    this.#components = components
    this.#options = options
  }

  /** @throws {PeerRequestError} PEER_UNKNOWN, PEER_UNREACHABLE */
  async connect(key: ServiceNodeKey): Promise<Connection> {
    return this.open(key) ?? this.#dials.get(key)?.connected ?? this.#dial(key)
  }

  /** The newest connection to this peer, if there is one: the peer may have left older ones without a word. */
  open(key: ServiceNodeKey): Connection | undefined {
    return this.#components.host.getConnections(toPeerId(key)).findLast((connection) => connection.status === 'open')
  }

  /** To be called when the peer says that it is at another address: nothing goes to the one before any more. */
  moved({ key, ip, peerPort }: ServiceNodeContact): void {
    const isElsewhere = (address: Multiaddr) => addressOf(address) !== ip || portOf([address]) !== peerPort
    for (const connection of this.#components.host.getConnections(toPeerId(key))) {
      // Where the peer connected from says nothing of where it listens.
      if (connection.direction === 'outbound' && isElsewhere(connection.remoteAddr)) {
        connection.abort(new Error('The peer has moved'))
      }
    }
    const dial = this.#dials.get(key)
    if (dial !== undefined && isElsewhere(dial.address)) dial.control.abort()
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
    const control = new AbortController()
    const address = multiaddrOf(contact)
    const connected = this.#tryAddress(key, address, control.signal).then(
      (connection) => {
        this.#dials.delete(key)
        return connection
      },
      async (error: unknown) => {
        // libp2p forgets a dial that was given up by the next turn; until then it would be joined.
        if (control.signal.aborted) await nextTurn()
        this.#dials.delete(key)
        if (!control.signal.aborted) throw error
        return this.connect(key)
      },
    )
    this.#dials.set(key, { address, control, connected })
    return connected
  }

  async #tryAddress(key: ServiceNodeKey, address: Multiaddr, signal: AbortSignal): Promise<Connection> {
    const { host, metrics } = this.#components
    try {
      const connection = await host.dial(address, { signal: withDeadline(this.#options.dialTimeoutMs, signal) })
      this.#backoffs.delete(key)
      metrics.dials.inc({ outcome: 'connected' })
      return connection
    } catch (cause) {
      metrics.dials.inc({ outcome: 'failed' })
      if (!signal.aborted) this.#backOff(key)
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
