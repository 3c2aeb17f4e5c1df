import type { X25519KeyPair } from '../crypto/keys.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { ONION_HOPS_MAX } from '../protocol/limits.ts'
import type { LayerKey } from '../protocol/onion/encryption.ts'
import { type OpenedLayer, openLayer } from '../protocol/onion/layer.ts'
import { decodeLayerContent } from '../protocol/onion/layer-content.ts'
import { decodeOuterFrame, type NumberedLayer } from '../protocol/onion/outer-frame.ts'
import { decodeHopRequest, encodeHopAnswer, type HopAnswer } from '../protocol/peer-api/onion-hop.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import * as answers from './answers.ts'
import { createCapacity, type PreviousHop } from './capacity.ts'
import { createDestination, type DestinationComponents, type Outcome } from './destination.ts'
import { createFairTurns } from './fair-turns.ts'
import type { OnionRole } from './metrics.ts'
import type { OnionRelayOptions } from './options.ts'
import { createOutsideServers, type OutsideServerComponents } from './outside/outside-servers.ts'

export interface OnionRelayComponents extends Omit<DestinationComponents, 'outside'>, OutsideServerComponents {
  readonly identity: { readonly key: ServiceNodeKey; readonly x25519: X25519KeyPair }
  /** Settles with false for a tag that it was given before. */
  readonly replays: { admit(tag: Uint8Array): Promise<boolean> }
  /** Why this node cannot serve yet; empty when it can. */
  readonly readiness: () => readonly string[]
}

/** The HTTP answer to a client that has this node as its first hop. */
export interface OnionAnswer extends Omit<HopAnswer, 'encoded'> {
  readonly contentType: 'text/plain' | 'application/octet-stream'
}

export interface OnionRelay {
  /** Answers the body of a client's `POST /onion_req/v2`. */
  handleClientRequest(body: Uint8Array, signal: AbortSignal): Promise<OnionAnswer>
  /** Answers another node's `onion` request. */
  handleHop(from: ServiceNodeKey, payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
}

/** How requests come in: who from, how they are read, and what is said of those that cannot be read. */
interface Entry {
  readonly previous: PreviousHop
  readonly decode: (bytes: Uint8Array) => NumberedLayer
  readonly malformed: (detail: string) => HopAnswer
}

type Handled = Outcome & { readonly role: OnionRole }

/** Opens one layer of an onion request, does what it asks, and carries the answer back (docs/protocol/onion-requests.md). */
export function createOnionRelay(components: OnionRelayComponents, options: OnionRelayOptions): OnionRelay {
  const { identity, metrics, clock, replays, readiness } = components
  const capacity = createCapacity(metrics, options)
  const turns = createFairTurns(options)
  const outside = createOutsideServers(components, options.outside)
  const toDestination = createDestination({ ...components, outside }, options)

  async function handle(entry: Entry, bytes: Uint8Array, signal: AbortSignal): Promise<HopAnswer> {
    let handled: Handled = refused('failed', answers.invalidResponse)
    try {
      handled = await admit(entry, bytes, signal)
      return handled.answer
    } finally {
      metrics.requests.inc({ role: handled.role, outcome: handled.outcome })
    }
  }

  async function admit(entry: Entry, bytes: Uint8Array, signal: AbortSignal): Promise<Handled> {
    if (readiness().length > 0) return refused('not_ready', answers.notReady(identity.key))
    const leave = capacity.enter(entry.previous, bytes.length)
    if (leave === undefined) return refused('busy', answers.serverBusy)
    try {
      await turns.enter(entry.previous, bytes.length)
      return await process(entry, bytes, signal)
    } finally {
      leave()
    }
  }

  async function process(entry: Entry, bytes: Uint8Array, signal: AbortSignal): Promise<Handled> {
    const layer = attempt(() => entry.decode(bytes))
    if (layer instanceof ProtocolError) return refused('malformed', entry.malformed(layer.message))
    if (layer.hopNumber > ONION_HOPS_MAX) return refused('hops_exceeded', answers.hopsExceeded)

    const startMs = clock.monotonicMs()
    const opened = attempt(() => openLayer(layer, identity.x25519))
    if (opened instanceof ProtocolError) return refused('undecryptable', answers.invalidCiphertext)
    metrics.openSeconds.observe((clock.monotonicMs() - startMs) / 1000)

    // A replay gets the answer of a layer that cannot be opened, so whoever tries one learns nothing from it.
    if (!(await replays.admit(opened.key.replayTag()))) return refused('replayed', answers.invalidCiphertext)
    return deliver(opened, layer.hopNumber, signal)
  }

  async function deliver({ plaintext, key }: OpenedLayer, hopNumber: number, signal: AbortSignal): Promise<Handled> {
    const content = attempt(() => decodeLayerContent(plaintext))
    if (content instanceof ProtocolError) return refusedToClient(key)
    return { role: content.role, ...(await toDestination({ content, plaintext, key, hopNumber, signal })) }
  }

  const fromClient: Entry = { previous: 'clients', decode: decodeOuterFrame, malformed: answers.malformedRequest }

  return {
    async handleClientRequest(body, signal) {
      const { status, body: answer } = await handle(fromClient, body, signal)
      return { status, body: answer, contentType: status === 200 ? 'application/octet-stream' : 'text/plain' }
    },

    async handleHop(from, payload, signal) {
      const entry = { previous: from, decode: decodeHopRequest, malformed: answers.malformedInternalRequest }
      return encodeHopAnswer(await handle(entry, payload, signal))
    },
  }
}

function refused(outcome: Outcome['outcome'], answer: HopAnswer): Handled {
  return { role: 'unknown', outcome, answer }
}

function refusedToClient(key: LayerKey): Handled {
  return refused('content_invalid', answers.sealedAnswer(key, answers.invalidJson))
}

/** What `read` returns, or the ProtocolError that it throws: breaking the protocol is an outcome here. */
function attempt<T>(read: () => T): T | ProtocolError {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}
