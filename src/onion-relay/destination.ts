import type { DurationMs } from '../base/clock.ts'
import { raceSignal, withDeadline } from '../base/deadline.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { JsonValue } from '../protocol/json.ts'
import type { LayerKey } from '../protocol/onion/encryption.ts'
import type { LayerContent } from '../protocol/onion/layer-content.ts'
import { decodeHopAnswer, encodeHopRequest, type HopAnswer } from '../protocol/peer-api/onion-hop.ts'
import type { PeerRequester } from '../protocol/peer-api/peer-request.ts'
import { PeerRequestError, type PeerRequestErrorCode } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import * as answers from './answers.ts'
import type { OnionOutcome } from './metrics.ts'
import type { OnionRelayOptions } from './options.ts'
import type { OutsideServers, ServerOutcome } from './outside/outside-servers.ts'

/** Answers what a client asks of this node as the final destination. */
export interface OnionRpc {
  /** `payload` is the text of an RPC request. Settles for every payload; rejects only when `signal` aborts or on a bug. */
  handleOnionRpc(payload: Uint8Array, signal: AbortSignal): Promise<{ status: number; body: JsonValue }>
}

export interface DestinationComponents {
  readonly identity: { readonly key: ServiceNodeKey }
  readonly peers: PeerRequester
  readonly membership: { isMember(key: ServiceNodeKey): boolean }
  readonly rpc: OnionRpc
  readonly outside: OutsideServers
}

/** An opened layer on its way to where it asks to go. */
export interface OpenedRequest {
  readonly content: LayerContent
  /** The whole opened layer. */
  readonly plaintext: Uint8Array
  /** Seals what is for the client alone. */
  readonly key: LayerKey
  readonly hopNumber: number
  readonly signal: AbortSignal
}

export interface Outcome {
  readonly answer: HopAnswer
  readonly outcome: OnionOutcome
}

/** Does what an opened layer asks: answers here, or hands the layer inside on to the next node. */
export function createDestination(
  { identity, peers, membership, rpc, outside }: DestinationComponents,
  options: OnionRelayOptions,
): (request: OpenedRequest) => Promise<Outcome> {
  // A margin at least, so that the last of many hops still has time even when the options leave it none.
  const timeoutMsAt = (hopNumber: number): DurationMs =>
    Math.max(options.hopMarginMs, options.hopTimeoutMs - hopNumber * options.hopMarginMs)

  async function answerHere(
    content: LayerContent & { role: 'final' },
    { key, hopNumber, signal }: OpenedRequest,
  ): Promise<Outcome> {
    const deadline = withDeadline(timeoutMsAt(hopNumber), signal)
    try {
      const reply = await raceSignal(rpc.handleOnionRpc(content.payload, deadline), deadline)
      return { answer: answers.sealedAnswer(key, reply, content.reply), outcome: 'answered' }
    } catch (error) {
      if (!deadline.aborted) throw error
      const answer = answers.sealedAnswer(key, answers.replyTimeOut, content.reply)
      return { answer, outcome: signal.aborted ? 'aborted' : 'timeout' }
    }
  }

  async function relay(
    { destination, layer }: LayerContent & { role: 'relay' },
    { hopNumber, signal }: OpenedRequest,
  ): Promise<Outcome> {
    if (!membership.isMember(destination)) return { answer: answers.nextNotFound(destination), outcome: 'next_unknown' }
    // No client puts a node twice in a row on a path, and a node has no connection to itself.
    if (destination === identity.key) {
      return { answer: answers.nextUnreachable(destination), outcome: 'next_unreachable' }
    }
    const payload = encodeHopRequest({ ...layer, hopNumber: hopNumber + 1 })
    try {
      const timeoutMs = timeoutMsAt(hopNumber)
      const encoded = await peers.request(destination, 'onion', payload, { timeoutMs, signal })
      const answer = decodeHopAnswer(encoded)
      if (answers.canBeHandedBack(answer, identity.key)) return { answer: { ...answer, encoded }, outcome: 'answered' }
      return { answer: answers.invalidResponse, outcome: 'next_invalid' }
    } catch (error) {
      if (signal.aborted) return { answer: answers.requestTimeOut, outcome: 'aborted' }
      return relayFailure(error, destination)
    }
  }

  async function askServer(
    { server }: LayerContent & { role: 'server' },
    { plaintext, key, hopNumber, signal }: OpenedRequest,
  ): Promise<Outcome> {
    return serverOutcome(await outside.ask(server, plaintext, { timeoutMs: timeoutMsAt(hopNumber), signal }), key)
  }

  return async (request) => {
    const { content } = request
    switch (content.role) {
      case 'final':
        return answerHere(content, request)
      case 'relay':
        return relay(content, request)
      case 'server':
        return askServer(content, request)
    }
  }
}

/** What the client may know is sealed; what all on the path may know, since it is their failure or the server's, is said in clear. */
function serverOutcome(asked: ServerOutcome, key: LayerKey): Outcome {
  switch (asked.kind) {
    case 'answered':
      return { answer: answers.serverAnswer(asked), outcome: 'answered' }
    case 'url_invalid':
      return { answer: answers.sealedAnswer(key, answers.invalidUrl), outcome: 'server_refused' }
    case 'not_allowed':
      return { answer: answers.sealedAnswer(key, answers.serverNotAllowed), outcome: 'server_refused' }
    // Said as of any server that is not there: where a name leads inside some network is nobody's business.
    case 'address_refused':
      return { answer: answers.serverUnreachable, outcome: 'server_address_refused' }
    case 'unreachable':
      return { answer: answers.serverUnreachable, outcome: 'server_unreachable' }
    case 'invalid':
      return { answer: answers.serverAnswerInvalid, outcome: 'server_invalid' }
    case 'busy':
      return { answer: answers.serverBusy, outcome: 'busy' }
    case 'timeout':
    case 'aborted':
      return { answer: answers.serverTimeOut, outcome: asked.kind }
  }
}

function relayFailure(error: unknown, next: ServiceNodeKey): Outcome {
  if (error instanceof ProtocolError) return { answer: answers.invalidResponse, outcome: 'next_invalid' }
  if (!(error instanceof PeerRequestError)) throw error
  const unreachable: Outcome = { answer: answers.nextUnreachable(next), outcome: 'next_unreachable' }
  const outcomes: Record<PeerRequestErrorCode, Outcome> = {
    PEER_UNKNOWN: unreachable,
    PEER_UNREACHABLE: unreachable,
    PEER_TIMEOUT: { answer: answers.requestTimeOut, outcome: 'timeout' },
    PEER_BUSY: { answer: answers.serverBusy, outcome: 'next_busy' },
    PEER_FAILED: { answer: answers.invalidResponse, outcome: 'next_invalid' },
  }
  return outcomes[error.code]
}
