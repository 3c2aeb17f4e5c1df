import { isIPv4, isIPv6 } from 'node:net'
import { fromHex, toHex } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import { ProtocolError } from '../errors.ts'
import type { NetworkId } from '../network-id.ts'
import { FieldReader } from './field-reader.ts'

// What a service node says about itself, signed as a libp2p envelope (docs/protocol/peer-api.md):
//
//   record    := version u8 = 1 | facts
//              | version u8 = 2 | facts | extension *
//   facts     := network 32 | contractId u64 | bls 64
//              | family u8 | address (4 bytes for family 4, 16 for family 6) | httpsPort u16 | peerPort u16
//              | major u16 | minor u16 | patch u16 | timestampMs u64
//              | epoch u64 | blockHash 32 | root 32
//   extension := type u8 | size u8 | content[size]     ascending by type, each type once
//   content   := period u64 | root 32                  of type 1: the node's ledger of rewards
//
// Integers are big-endian. Nothing may follow. A reader skips extensions of types that it does not know, so that more can be
// said without another version. A node without a ledger sends version 1. The node's Ed25519 key is not in it, for it is the
// envelope's key.

const SUBJECT = 'A node record'
const VERSION = 1
const VERSION_EXTENDED = 2
const EXTENSION_REWARDS = 1
const REWARDS_BYTES = 8 + 32
const FAMILY_4 = 4
const FAMILY_6 = 6

/** Bytes of a record with an IPv6 address and all extensions; one with IPv4 is 12 shorter. */
export const NODE_RECORD_MAX_BYTES: number = 1 + 32 + 8 + 64 + 1 + 16 + 2 + 2 + 6 + 8 + 8 + 32 + 32 + 2 + REWARDS_BYTES

/** The epoch that a node judged by when it signed its record, so that nodes notice when their providers disagree. */
export interface RecordedEpoch {
  readonly index: number
  /** 0x and 64 hex digits. */
  readonly blockHash: string
  /** 64 hex digits. */
  readonly root: string
}

/** The newest snapshot of a node's ledger of rewards, so that nodes notice when they would sign different balances. */
export interface RecordedRewards {
  /** The period. */
  readonly index: number
  /** 64 hex digits. */
  readonly root: string
}

export interface NodeRecord {
  readonly network: NetworkId
  /** The contract's id of this service node. */
  readonly contractId: bigint
  /** 128 hex digits, as in the member table. */
  readonly bls: string
  /** Where clients and other nodes reach it. */
  readonly ip: string
  readonly httpsPort: number
  /** TCP port of libp2p. */
  readonly peerPort: number
  readonly version: readonly [number, number, number]
  /** When it was signed; the newest record counts. */
  readonly timestampMs: TimestampMs
  readonly epoch: RecordedEpoch
  /** Missing while the node has no ledger, or keeps none. */
  readonly rewards?: RecordedRewards
}

export function encodeNodeRecord(record: NodeRecord): Uint8Array {
  const address = addressBytes(record.ip)
  const ports = Buffer.alloc(18)
  ports.writeUInt16BE(record.httpsPort, 0)
  ports.writeUInt16BE(record.peerPort, 2)
  for (const [at, part] of record.version.entries()) ports.writeUInt16BE(part, 4 + at * 2)
  ports.writeBigUInt64BE(BigInt(record.timestampMs), 10)
  const parts = [
    Buffer.of(record.rewards === undefined ? VERSION : VERSION_EXTENDED),
    hexBytes(record.network, 32),
    u64(record.contractId),
    hexBytes(record.bls, 64),
    Buffer.of(address.length === 4 ? FAMILY_4 : FAMILY_6),
    address,
    ports,
    u64(BigInt(record.epoch.index)),
    hexBytes(record.epoch.blockHash.slice(2), 32),
    hexBytes(record.epoch.root, 32),
    ...(record.rewards === undefined ? [] : rewardsExtension(record.rewards)),
  ]
  return Buffer.concat(parts)
}

/** @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED */
export function decodeNodeRecord(bytes: Uint8Array): NodeRecord {
  const reader = new FieldReader(bytes, SUBJECT)
  const version = reader.u8()
  if (version !== VERSION && version !== VERSION_EXTENDED)
    throw new ProtocolError('FRAME_MALFORMED', 'A node record of another version')
  const record: NodeRecord = {
    network: toHex(reader.take(32)) as NetworkId,
    contractId: reader.u64(),
    bls: toHex(reader.take(64)),
    ip: readAddress(reader),
    httpsPort: readPort(reader),
    peerPort: readPort(reader),
    version: [reader.u16(), reader.u16(), reader.u16()],
    timestampMs: reader.safeInteger(),
    epoch: {
      index: reader.safeInteger(),
      blockHash: `0x${toHex(reader.take(32))}`,
      root: toHex(reader.take(32)),
    },
  }
  const extended = version === VERSION_EXTENDED ? { ...record, ...readExtensions(reader) } : record
  reader.end()
  return extended
}

function rewardsExtension({ index, root }: RecordedRewards): readonly Uint8Array[] {
  return [Buffer.of(EXTENSION_REWARDS, REWARDS_BYTES), u64(BigInt(index)), hexBytes(root, 32)]
}

function readExtensions(reader: FieldReader): Pick<NodeRecord, 'rewards'> {
  let rewards: RecordedRewards | undefined
  let last = -1
  while (!reader.atEnd) {
    const type = reader.u8()
    if (type <= last) throw new ProtocolError('FRAME_MALFORMED', 'Extensions of a node record out of order')
    last = type
    const size = reader.u8()
    const content = new FieldReader(reader.take(size), SUBJECT)
    if (type !== EXTENSION_REWARDS) continue
    rewards = { index: content.safeInteger(), root: toHex(content.take(32)) }
    content.end()
  }
  return rewards === undefined ? {} : { rewards }
}

function readPort(reader: FieldReader): number {
  const port = reader.u16()
  if (port === 0) throw new ProtocolError('FRAME_MALFORMED', 'A node record with port 0')
  return port
}

function readAddress(reader: FieldReader): string {
  const family = reader.u8()
  if (family === FAMILY_4) return [...reader.take(4)].join('.')
  if (family === FAMILY_6) return ipv6Text(reader.take(16))
  throw new ProtocolError('FRAME_MALFORMED', 'A node record with an unknown address family')
}

/** RFC 5952, as the URL parser writes it. */
function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

function addressBytes(ip: string): Uint8Array {
  if (isIPv4(ip)) return Uint8Array.from(ip.split('.'), Number)
  if (!isIPv6(ip) || ip.includes('%')) throw new ProtocolError('FRAME_MALFORMED', 'Not an IP address')
  const [head = '', tail] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split('::')
  const words = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'))
  const [before, after] = [words(head), words(tail)]
  const zeros = new Array<string>(8 - before.length - after.length).fill('0')
  const bytes = Buffer.alloc(16)
  for (const [at, word] of [...before, ...zeros, ...after].entries()) {
    bytes.writeUInt16BE(Number.parseInt(word, 16), at * 2)
  }
  return bytes
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

function hexBytes(hex: string, size: number): Uint8Array {
  const bytes = fromHex(hex)
  if (bytes?.length !== size) throw new ProtocolError('FRAME_MALFORMED', `A field must be ${size} bytes of hex`)
  return bytes
}
