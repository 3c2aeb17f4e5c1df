import { toHex } from '../../base/bytes.ts'
import { ProtocolError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../service-node.ts'
import { decodeCombinedPayload, encodeCombinedPayload } from './combined-payload.ts'
import { readSealedLayer, type SealedLayer } from './layer.ts'

// What an opened layer asks of the node: a combined payload whose metadata's keys tell the node's role, in this order:
//
//   "headers" (any value)   final:  blob is an RPC request; "json"?: boolean, "base64"?: boolean say how to reply
//   "host"                  server: "target": text, "port"?: 1..65535, "protocol"?: text; the server gets the whole layer
//   otherwise               relay:  "destination": 64 hex digits, "ephemeral_key", "enc_type"?; blob is the next layer

/** How the final destination writes its reply. */
export interface ReplyFormat {
  /** A JSON body is embedded instead of written as a string that contains JSON. */
  readonly json: boolean
  /** The sealed reply is sent as base64 text. */
  readonly base64: boolean
}

export const DEFAULT_REPLY_FORMAT: ReplyFormat = { json: false, base64: true }

/** An outside server, as a client names it. */
export interface ServerAddress {
  readonly host: string
  /** Path of the URL, from the first slash on. */
  readonly target: string
  readonly port: number
  readonly protocol: string
}

export const DEFAULT_SERVER_PORT = 443
export const DEFAULT_SERVER_PROTOCOL = 'https'

export type LayerContent =
  | { readonly role: 'final'; readonly payload: Uint8Array; readonly reply: ReplyFormat }
  | { readonly role: 'server'; readonly server: ServerAddress }
  | { readonly role: 'relay'; readonly destination: ServiceNodeKey; readonly layer: SealedLayer }

/** @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, JSON_INVALID, CIPHER_UNKNOWN */
export function decodeLayerContent(plaintext: Uint8Array): LayerContent {
  const { blob, metadata } = decodeCombinedPayload(plaintext)
  if (metadata['headers'] !== undefined) {
    return { role: 'final', payload: blob, reply: readReplyFormat(metadata) }
  }
  if (metadata['host'] !== undefined) return { role: 'server', server: readServerAddress(metadata) }
  return {
    role: 'relay',
    destination: readDestination(metadata['destination']),
    layer: readSealedLayer(blob, metadata),
  }
}

/** Asks the node to hand `layer` on to `destination`. */
export function encodeRelayContent(destination: ServiceNodeKey, layer: SealedLayer): Uint8Array {
  return encodeCombinedPayload({
    blob: layer.ciphertext,
    metadata: { destination, enc_type: layer.encryption, ephemeral_key: toHex(layer.ephemeralKey) },
  })
}

/** Asks the node to answer the RPC request in `payload` itself. */
export function encodeFinalContent(payload: Uint8Array, { json, base64 }: ReplyFormat): Uint8Array {
  return encodeCombinedPayload({
    blob: payload,
    metadata: {
      ...(base64 === DEFAULT_REPLY_FORMAT.base64 ? {} : { base64 }),
      headers: {},
      ...(json === DEFAULT_REPLY_FORMAT.json ? {} : { json }),
    },
  })
}

/** Asks the node to post this very payload to an outside server, which opens `layer` itself. */
export function encodeServerContent({ host, target, port, protocol }: ServerAddress, layer: SealedLayer): Uint8Array {
  return encodeCombinedPayload({
    blob: layer.ciphertext,
    metadata: {
      enc_type: layer.encryption,
      ephemeral_key: toHex(layer.ephemeralKey),
      host,
      method: 'POST',
      port,
      protocol,
      target,
    },
  })
}

function readReplyFormat(metadata: JsonObject): ReplyFormat {
  return {
    json: readFlag('json', metadata['json'], DEFAULT_REPLY_FORMAT.json),
    base64: readFlag('base64', metadata['base64'], DEFAULT_REPLY_FORMAT.base64),
  }
}

function readFlag(name: string, value: JsonValue | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise
  if (typeof value !== 'boolean') throw new ProtocolError('JSON_INVALID', `'${name}' must be a boolean`)
  return value
}

function readServerAddress(metadata: JsonObject): ServerAddress {
  return {
    host: readText('host', metadata['host']),
    target: readText('target', metadata['target']),
    port: readPort(metadata['port']),
    protocol: metadata['protocol'] === undefined ? DEFAULT_SERVER_PROTOCOL : readText('protocol', metadata['protocol']),
  }
}

function readText(name: string, value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new ProtocolError('JSON_INVALID', `'${name}' must be a string`)
  return value
}

function readPort(value: JsonValue | undefined): number {
  if (value === undefined) return DEFAULT_SERVER_PORT
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 65_535) {
    throw new ProtocolError('JSON_INVALID', "'port' must be an integer from 1 to 65535")
  }
  return value
}

function readDestination(value: JsonValue | undefined): ServiceNodeKey {
  const key = typeof value === 'string' ? parseServiceNodeKey(value) : undefined
  if (key === undefined) throw new ProtocolError('JSON_INVALID', "'destination' must be 64 hex digits")
  return key
}
