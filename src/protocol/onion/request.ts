import { assert } from '../../base/assert.ts'
import { generateX25519KeyPair, type X25519PublicKey } from '../../crypto/keys.ts'
import { ONION_HOPS_MAX } from '../limits.ts'
import type { ServiceNodeKey } from '../service-node.ts'
import type { EncryptionType, LayerKey } from './encryption.ts'
import { type LayerRandomness, type SealedLayer, sealLayer } from './layer.ts'
import {
  DEFAULT_REPLY_FORMAT,
  DEFAULT_SERVER_PORT,
  DEFAULT_SERVER_PROTOCOL,
  encodeFinalContent,
  encodeRelayContent,
  encodeServerContent,
  type ReplyFormat,
} from './layer-content.ts'
import { encodeOuterFrame } from './outer-frame.ts'
import type { ReplyKey } from './response.ts'

/** A service node as a client needs it for a path. */
export interface OnionPathNode {
  readonly ed25519: ServiceNodeKey
  readonly x25519: X25519PublicKey
}

export type OnionDestination =
  | ({ readonly kind: 'service-node' } & OnionPathNode)
  | {
      readonly kind: 'server'
      readonly host: string
      readonly target: string
      /** 443 unless given. */
      readonly port?: number
      /** `https` unless given. */
      readonly protocol?: string
      readonly x25519: X25519PublicKey
    }

export interface OnionRequest {
  /** First hop first. The last one asks an outside server, if that is the destination. */
  readonly path: readonly OnionPathNode[]
  readonly destination: OnionDestination
  readonly payload: Uint8Array
  readonly encryption: EncryptionType
  /** For a service node's reply: JSON as a string and base64, unless given. An outside server replies with bytes. */
  readonly options?: Partial<ReplyFormat>
}

/** A request that is ready to be sent, and what opens what comes back. */
export interface BuiltOnionRequest {
  /** The HTTP body for the first hop. */
  readonly body: Uint8Array
  /** Opens the destination's reply. */
  readonly replyKey: ReplyKey
  /** Opens what the last hop itself has to say to the client instead, such as that it asks no such server. */
  readonly lastHopKey: ReplyKey | undefined
}

/** Keys and nonces of each layer, 0 being the first hop's. Random unless a test needs known bytes. */
export type OnionRandomness = (layer: number) => LayerRandomness

const freshRandomness: OnionRandomness = () => ({ ephemeral: generateX25519KeyPair() })

export function buildOnionRequest(
  request: OnionRequest,
  randomness: OnionRandomness = freshRandomness,
): BuiltOnionRequest {
  const { path, destination, encryption } = request
  assert(path.length <= ONION_HOPS_MAX, 'An onion path has too many hops')
  assert(path.length > 0 || destination.kind === 'service-node', 'Only a service node can ask an outside server')

  const content = destination.kind === 'server' ? request.payload : finalContent(request)
  const last = sealLayer(content, encryption, destination.x25519, randomness(path.length))
  const { first, lastHopKey } = wrapInPath(request, last.layer, randomness)
  return {
    body: encodeOuterFrame(first),
    replyKey: { key: last.key, base64: replyFormat(request).base64 },
    lastHopKey: lastHopKey && { key: lastHopKey, base64: DEFAULT_REPLY_FORMAT.base64 },
  }
}

/** Seals a layer for each node of the path, from the last to the first. */
function wrapInPath(
  { path, destination, encryption }: OnionRequest,
  last: SealedLayer,
  randomness: OnionRandomness,
): { first: SealedLayer; lastHopKey: LayerKey | undefined } {
  let first = last
  let lastHopKey: LayerKey | undefined
  let next = destination
  for (const [hop, node] of [...path.entries()].reverse()) {
    const { layer, key } = sealLayer(contentFor(next, first), encryption, node.x25519, randomness(hop))
    first = layer
    lastHopKey ??= key
    next = { kind: 'service-node', ...node }
  }
  return { first, lastHopKey }
}

function contentFor(destination: OnionDestination, layer: SealedLayer): Uint8Array {
  if (destination.kind === 'service-node') return encodeRelayContent(destination.ed25519, layer)
  const { host, target, port = DEFAULT_SERVER_PORT, protocol = DEFAULT_SERVER_PROTOCOL } = destination
  return encodeServerContent({ host, target, port, protocol }, layer)
}

function finalContent(request: OnionRequest): Uint8Array {
  return encodeFinalContent(request.payload, replyFormat(request))
}

function replyFormat({ destination, options }: OnionRequest): ReplyFormat {
  const usual = destination.kind === 'server' ? { ...DEFAULT_REPLY_FORMAT, base64: false } : DEFAULT_REPLY_FORMAT
  return { ...usual, ...options }
}
