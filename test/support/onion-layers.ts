import { generateX25519KeyPair, type X25519KeyPair } from '../../src/crypto/keys.ts'
import type { EncryptionType } from '../../src/protocol/onion/encryption.ts'
import { openLayer, type SealedLayer, sealLayer } from '../../src/protocol/onion/layer.ts'
import {
  DEFAULT_REPLY_FORMAT,
  decodeLayerContent,
  encodeFinalContent,
  encodeRelayContent,
  type LayerContent,
} from '../../src/protocol/onion/layer-content.ts'
import { decodeOuterFrame, encodeOuterFrame } from '../../src/protocol/onion/outer-frame.ts'
import type { OnionPathNode } from '../../src/protocol/onion/request.ts'
import type { ReplyKey } from '../../src/protocol/onion/response.ts'
import type { ServiceNodeKey } from '../../src/protocol/service-node.ts'

/** A layer as the one node can read it that it is for. */
export interface ReadLayer {
  readonly reader: ServiceNodeKey
  readonly sealed: SealedLayer
  readonly plaintext: Uint8Array
  readonly content: LayerContent
}

/** Opens a request from the guard's layer to the destination's, each with nothing but the key of the node it is for. */
export function readLayers(
  body: Uint8Array,
  guard: ServiceNodeKey,
  keys: ReadonlyMap<ServiceNodeKey, X25519KeyPair>,
): readonly ReadLayer[] {
  const layers: ReadLayer[] = []
  let next: { reader: ServiceNodeKey; sealed: SealedLayer } | undefined = {
    reader: guard,
    sealed: decodeOuterFrame(body),
  }
  while (next !== undefined) {
    const { reader, sealed }: { reader: ServiceNodeKey; sealed: SealedLayer } = next
    const { plaintext } = openLayer(sealed, keyOf(reader, keys))
    const content = decodeLayerContent(plaintext)
    layers.push({ reader, sealed, plaintext, content })
    next = content.role === 'relay' ? { reader: content.destination, sealed: content.layer } : undefined
  }
  return layers
}

/** The nodes whose key opens a layer. */
export function openersOf(
  sealed: SealedLayer,
  keys: ReadonlyMap<ServiceNodeKey, X25519KeyPair>,
): readonly ServiceNodeKey[] {
  return [...keys].filter(([, pair]) => opens(sealed, pair)).map(([key]) => key)
}

export interface TamperedRequest {
  /** Guard first, destination last. */
  readonly nodes: readonly OnionPathNode[]
  readonly payload: Uint8Array
  readonly encryption: EncryptionType
  /** Changes the layer of one node, after it is sealed and before the next one is sealed around it. */
  readonly tamper?: { readonly layer: number; readonly change: (sealed: SealedLayer) => SealedLayer }
}

/** Seals a request layer by layer, as a client that means harm can. */
export function sealTampered({ nodes, payload, encryption, tamper }: TamperedRequest): {
  body: Uint8Array
  replyKey: ReplyKey
} {
  const seal = (plaintext: Uint8Array, node: OnionPathNode, at: number) => {
    const { layer, key } = sealLayer(plaintext, encryption, node.x25519, { ephemeral: generateX25519KeyPair() })
    return { layer: tamper?.layer === at ? tamper.change(layer) : layer, key }
  }
  const [destination, ...hops] = nodes.toReversed()
  if (destination === undefined) throw new Error('A request needs a destination')
  const last = seal(encodeFinalContent(payload, DEFAULT_REPLY_FORMAT), destination, hops.length)
  let { layer } = last
  let next = destination
  for (const [distance, node] of hops.entries()) {
    layer = seal(encodeRelayContent(next.ed25519, layer), node, hops.length - 1 - distance).layer
    next = node
  }
  return { body: encodeOuterFrame(layer), replyKey: { key: last.key, base64: DEFAULT_REPLY_FORMAT.base64 } }
}

/** The same bytes with one bit of one byte changed; negative places count from the end. */
export function withFlippedBit<T extends Uint8Array>(bytes: T, at: number, bit = 0): T {
  const changed = bytes.slice() as T
  const index = at < 0 ? bytes.length + at : at
  changed[index] = (changed[index] ?? 0) ^ (1 << bit)
  return changed
}

function opens(sealed: SealedLayer, pair: X25519KeyPair): boolean {
  try {
    openLayer(sealed, pair)
    return true
  } catch {
    return false
  }
}

function keyOf(node: ServiceNodeKey, keys: ReadonlyMap<ServiceNodeKey, X25519KeyPair>): X25519KeyPair {
  const pair = keys.get(node)
  if (pair === undefined) throw new Error(`A layer names ${node}, which is no node of this network`)
  return pair
}
