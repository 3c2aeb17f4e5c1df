import { toHex, utf8 } from '../src/base/bytes.ts'
import { generateX25519KeyPair } from '../src/crypto/keys.ts'
import type { JsonObject } from '../src/protocol/json.ts'
import { encodeCombinedPayload } from '../src/protocol/onion/combined-payload.ts'
import { type LayerKey, parseEncryptionType } from '../src/protocol/onion/encryption.ts'
import { sealLayer } from '../src/protocol/onion/layer.ts'
import type { NetworkNode } from './network-view.ts'
import { pathNode } from './transport.ts'

// Onion requests that a client's builder would never make: every field can be set, and any layer can be rubbish.

export interface FrameOptions {
  /** Guard first; the last one opens `content`. */
  readonly nodes: readonly NetworkNode[]
  /** What the last node finds in its layer. */
  readonly content: Uint8Array
  /** Written for every layer, under this very name; undefined leaves it out. */
  readonly encryption?: string | undefined
  /** More fields of the outermost metadata. */
  readonly outer?: JsonObject
}

export interface Frame {
  readonly body: Uint8Array
  /** Opens the reply of the last node. */
  readonly key: LayerKey
}

/** A layer that asks its node to answer the request itself. */
export function finalContent(text: string, options: JsonObject = { headers: {} }): Uint8Array {
  return encodeCombinedPayload({ blob: utf8(text), metadata: options })
}

export function buildFrame({ nodes, content, encryption, outer = {} }: FrameOptions): Frame {
  const [last, ...before] = nodes.toReversed()
  if (last === undefined) throw new Error('A frame needs a node')
  const seal = (plaintext: Uint8Array, node: NetworkNode) =>
    sealLayer(plaintext, parseEncryptionType(encryption), pathNode(node).x25519, { ephemeral: generateX25519KeyPair() })

  const innermost = seal(content, last)
  let { layer } = innermost
  let next = last
  for (const node of before) {
    const metadata = { destination: next.key, ...fieldsOf(layer.ephemeralKey, encryption) }
    layer = seal(encodeCombinedPayload({ blob: layer.ciphertext, metadata }), node).layer
    next = node
  }
  const metadata = { ...fieldsOf(layer.ephemeralKey, encryption), ...outer }
  return { body: encodeCombinedPayload({ blob: layer.ciphertext, metadata }), key: innermost.key }
}

function fieldsOf(ephemeralKey: Uint8Array, encryption: string | undefined): JsonObject {
  return { ephemeral_key: toHex(ephemeralKey), ...(encryption !== undefined && { enc_type: encryption }) }
}
