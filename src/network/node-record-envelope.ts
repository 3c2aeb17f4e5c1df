import type { PrivateKey } from '@libp2p/interface'
import { RecordEnvelope } from '@libp2p/peer-record'
import { bytesEqual, utf8 } from '../base/bytes.ts'
import { ed25519PublicKey } from '../crypto/keys.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import { decodeNodeRecord, encodeNodeRecord, type NodeRecord } from '../protocol/peer-api/node-record.ts'
import { RECORD_ENVELOPE_MAX_BYTES } from '../protocol/peer-api/record-exchange.ts'
import { type ServiceNodeKey, serviceNodeKey } from '../protocol/service-node.ts'

/** A record whose signature is good, and whose it is. */
export interface OpenedRecord {
  readonly key: ServiceNodeKey
  readonly record: NodeRecord
}

const PAYLOAD_TYPE = utf8('/starling/node-record/1')

/** A signature for one network means nothing in another, nor in any other use of the key. */
function domainOf(network: NetworkId): string {
  return `starling-node-record/${network}`
}

export async function sealNodeRecord(record: NodeRecord, privateKey: PrivateKey): Promise<Uint8Array> {
  const payload = encodeNodeRecord(record)
  const sealable = {
    domain: domainOf(record.network),
    codec: PAYLOAD_TYPE,
    marshal: () => payload,
    equals: (other: { marshal(): unknown }) => {
      const bytes = other.marshal()
      return bytes instanceof Uint8Array && bytesEqual(bytes, payload)
    },
  }
  return (await RecordEnvelope.seal(sealable, privateKey)).marshal()
}

/** What an envelope claims, before its signature has been looked at. */
export interface ClaimedRecord extends OpenedRecord {
  /** Whether the named node signed it for `network`. */
  isSignedFor(network: NetworkId): Promise<boolean>
}

/** Reads without checking the signature, which costs a hundred times as much. @throws {ProtocolError} */
export function readNodeRecord(envelope: Uint8Array): ClaimedRecord {
  if (envelope.length > RECORD_ENVELOPE_MAX_BYTES) throw new ProtocolError('FRAME_TOO_LARGE', 'A record is too large')
  const opened = parse(envelope)
  if (opened.publicKey.type !== 'Ed25519' || !bytesEqual(opened.payloadType, PAYLOAD_TYPE)) {
    throw new ProtocolError('FRAME_MALFORMED', 'An envelope that does not hold a node record')
  }
  return {
    key: serviceNodeKey(ed25519PublicKey(opened.publicKey.raw)),
    record: decodeNodeRecord(opened.payload),
    isSignedFor: (network) => isSigned(opened, domainOf(network)),
  }
}

function parse(envelope: Uint8Array): RecordEnvelope {
  try {
    return RecordEnvelope.createFromProtobuf(envelope)
  } catch (cause) {
    throw new ProtocolError('FRAME_MALFORMED', 'Not an envelope', { cause })
  }
}

async function isSigned(envelope: RecordEnvelope, domain: string): Promise<boolean> {
  try {
    return await envelope.validate(domain)
  } catch {
    return false
  }
}
