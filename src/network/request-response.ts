import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import { CodedError } from '../base/coded-error.ts'
import type { Logger } from '../base/logger.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import { peerProtocolId } from '../protocol/network-id.ts'
import type { PeerProtocol, PeerRequester, PeerResponder } from '../protocol/peer-api/peer-request.ts'
import { PeerRequestError, type PeerRequestErrorCode } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { type ByteBudget, createBudgetShare } from './byte-budget.ts'
import type { StreamEnd } from './frame-stream.ts'
import type { Host } from './host.ts'
import type { NetworkMetrics, RequestOutcome } from './metrics.ts'
import type { NetworkOptions } from './options.ts'
import { type OpenedStream, PeerChannel, type RequestOptions } from './peer-channel.ts'
import type { PeerDialer } from './peer-dialer.ts'
import { fromPeerId } from './peer-identity.ts'
import { PEER_PROTOCOLS } from './peer-protocols.ts'
import { PeerSession } from './peer-session.ts'

/** Who has a stake. */
interface Membership {
  isMember(key: ServiceNodeKey): boolean
}

export interface RequestResponseComponents {
  host: Host
  dialer: PeerDialer
  membership: Membership
  network: NetworkId
  budget: ByteBudget
  clock: Clock
  log: Logger
  metrics: NetworkMetrics
}

type Options = Pick<
  NetworkOptions,
  'protocols' | 'stallTimeoutMs' | 'unansweredMax' | 'dialTimeoutMs' | 'payloadBudgetPerPeerBytes'
>
type Handler = Parameters<PeerResponder['handle']>[1]
type ChannelName = `${PeerProtocol} ${ServiceNodeKey}`

/** Streams of one peer and protocol: the one in use, and one of a connection that is being replaced. */
export const INBOUND_STREAMS_MAX = 2

/** Requests and answers between service nodes, over one long-lived stream per peer, protocol and asking side. */
export class RequestResponse implements PeerRequester, PeerResponder {
  readonly #components: RequestResponseComponents
  readonly #options: Options
  readonly #handlers = new Map<PeerProtocol, Handler>()
  readonly #channels = new Map<ChannelName, PeerChannel>()
  readonly #underWay = new Map<ChannelName, { count: number }>()
  readonly #shares = new Map<ServiceNodeKey, ByteBudget>()

  constructor(components: RequestResponseComponents, options: Options) {
    this.#components = components
    this.#options = options
  }

  /** Registers our protocols with libp2p, so that the first peer finds them all. */
  async listen(): Promise<void> {
    for (const protocol of PEER_PROTOCOLS) {
      await this.#components.host.handle(
        this.#idOf(protocol),
        (stream, connection) => this.#serve(protocol, stream, connection),
        { maxInboundStreams: INBOUND_STREAMS_MAX, maxOutboundStreams: INBOUND_STREAMS_MAX },
      )
    }
  }

  handle(protocol: PeerProtocol, handler: Handler): void {
    this.#handlers.set(protocol, handler)
  }

  async request(
    peer: ServiceNodeKey,
    protocol: PeerProtocol,
    payload: Uint8Array,
    options: RequestOptions,
  ): Promise<Uint8Array> {
    const { clock, metrics } = this.#components
    const startMs = clock.monotonicMs()
    try {
      options.signal?.throwIfAborted()
      if (!this.#components.membership.isMember(peer)) {
        throw new PeerRequestError('PEER_UNKNOWN', 'This key has no stake')
      }
      const answer = await this.#channel(peer, protocol).request(payload, options)
      metrics.requests.inc({ protocol, outcome: 'answered' })
      metrics.requestSeconds.observe((clock.monotonicMs() - startMs) / 1000, { protocol })
      return answer
    } catch (error) {
      metrics.requests.inc({ protocol, outcome: outcomeOf(error) })
      throw error
    }
  }

  /** Ends everything with a peer that is no member any more. */
  drop(peer: ServiceNodeKey): void {
    for (const protocol of PEER_PROTOCOLS) {
      this.#channels.get(`${protocol} ${peer}`)?.abort()
      this.#channels.delete(`${protocol} ${peer}`)
      this.#underWay.delete(`${protocol} ${peer}`)
    }
    this.#shares.delete(peer)
  }

  #channel(peer: ServiceNodeKey, protocol: PeerProtocol): PeerChannel {
    const name: ChannelName = `${protocol} ${peer}`
    const existing = this.#channels.get(name)
    if (existing !== undefined) return existing
    const { stallTimeoutMs, unansweredMax } = this.#options
    const channel: PeerChannel = new PeerChannel(
      {
        openStream: () => this.#open(peer, protocol),
        onEnd: (why) => this.#countEnd(why),
        budget: this.#shareOf(peer),
      },
      { ...this.#options.protocols[protocol], stallTimeoutMs, unansweredMax },
    )
    this.#channels.set(name, channel)
    return channel
  }

  async #open(peer: ServiceNodeKey, protocol: PeerProtocol): Promise<OpenedStream> {
    const connection = await this.#components.dialer.connect(peer)
    const endConnection = () => connection.abort(new Error('The peer does not answer'))
    const signal = AbortSignal.timeout(this.#options.dialTimeoutMs)
    try {
      return { stream: await connection.newStream(this.#idOf(protocol), { signal }), endConnection }
    } catch (cause) {
      // Not even a refusal: the next request must not try the same.
      if (signal.aborted) endConnection()
      throw new PeerRequestError('PEER_UNREACHABLE', 'The service node does not take this protocol', { cause })
    }
  }

  #serve(protocol: PeerProtocol, stream: Stream, connection: Connection): void {
    const peer = fromPeerId(connection.remotePeer)
    const { membership, metrics } = this.#components
    if (peer === undefined || !membership.isMember(peer)) {
      metrics.handled.inc({ protocol, outcome: 'refused' })
      stream.abort(new Error('Not a member'))
      return
    }
    const underWay = this.#underWayOf(`${protocol} ${peer}`)
    new PeerSession(
      stream,
      {
        handle: (payload, signal) => this.#answer(protocol, peer, payload, signal),
        mayAsk: () => this.#handlers.has(protocol) && membership.isMember(peer),
        underWay,
        budget: this.#shareOf(peer),
        onHandled: (outcome) => metrics.handled.inc({ protocol, outcome }),
        onEnd: (why) => this.#countEnd(why),
      },
      { ...this.#options.protocols[protocol], stallTimeoutMs: this.#options.stallTimeoutMs },
    )
  }

  async #answer(
    protocol: PeerProtocol,
    peer: ServiceNodeKey,
    payload: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    try {
      const handler = this.#handlers.get(protocol)
      if (handler === undefined) throw new PeerRequestError('PEER_FAILED', 'Nobody answers this protocol')
      const answer = await handler(peer, payload, signal)
      this.#components.log.trace({ protocol }, "Another service node's request was answered")
      return answer
    } catch (error) {
      // Coded errors are expected, and so is anything that an aborted handler throws.
      const expected = error instanceof CodedError || signal.aborted
      const facts = { protocol, error }
      if (expected) this.#components.log.debug(facts, 'A request of another service node failed')
      else this.#components.log.error(facts, 'A request of another service node failed unexpectedly')
      throw error
    }
  }

  #underWayOf(name: ChannelName): { count: number } {
    const underWay = this.#underWay.get(name) ?? { count: 0 }
    this.#underWay.set(name, underWay)
    return underWay
  }

  /** No peer alone can use up the room for all. */
  #shareOf(peer: ServiceNodeKey): ByteBudget {
    const { budget } = this.#components
    const share = this.#shares.get(peer) ?? createBudgetShare(budget, this.#options.payloadBudgetPerPeerBytes)
    this.#shares.set(peer, share)
    return share
  }

  #countEnd(why: StreamEnd): void {
    if (why !== 'closed') this.#components.metrics.brokenStreams.inc({ reason: why })
  }

  #idOf(protocol: PeerProtocol): string {
    return peerProtocolId(this.#components.network, protocol)
  }
}

const OUTCOMES: Readonly<Record<PeerRequestErrorCode, RequestOutcome>> = {
  PEER_UNKNOWN: 'unknown',
  PEER_UNREACHABLE: 'unreachable',
  PEER_TIMEOUT: 'timeout',
  PEER_BUSY: 'busy',
  PEER_FAILED: 'failed',
}

function outcomeOf(error: unknown): RequestOutcome {
  return error instanceof PeerRequestError ? OUTCOMES[error.code] : 'aborted'
}
