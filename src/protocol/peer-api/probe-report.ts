import { asBuffer, concat, utf8 } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import { ed25519PublicKey } from '../../crypto/keys.ts'
import { SIGNATURE_SIZE, verifySignature } from '../../crypto/signature.ts'
import { ProtocolError } from '../errors.ts'
import type { NetworkId } from '../network-id.ts'
import { type ServiceNodeKey, serviceNodeKey, serviceNodeKeyBytes } from '../service-node.ts'
import { FieldReader } from './field-reader.ts'

// What one member found when it tested others, signed (docs/protocol/peer-api.md):
//
//   report := body | signature 64
//   body   := version u8 = 1 | tester 32 | epoch u64 | timestampMs u64 | count u16 | (member u64 | findings u8)*
//
// Members are named by their ids in the contract, ascending, each once. The bits of `findings`, from the lowest: HTTPS was tested, and
// failed; libp2p was tested, and failed; storage was tested, and failed; then zeros. What was not tested did not fail, and
// something was. Signed is `starling-probe-report/<network id>` and the body. Integers are big-endian.

/** What is tested of a member. */
export const PEER_TESTS = ['https', 'libp2p', 'storage'] as const
export type PeerTest = (typeof PEER_TESTS)[number]

export type Finding = 'passed' | 'failed'
/** Nothing of what was not tested. */
export type Findings = { readonly [Test in PeerTest]?: Finding }

export interface ReportRow {
  /** The contract's id of the member that was tested. */
  readonly member: bigint
  readonly findings: Findings
}

export interface ProbeReport {
  readonly tester: ServiceNodeKey
  /** Index of the epoch that it was written in. */
  readonly epoch: number
  /** By the tester's clock; its newest report counts. */
  readonly timestampMs: TimestampMs
  /** Ascending by member. */
  readonly rows: readonly ReportRow[]
}

/** Three times as many as a member tests between two reports. */
export const PROBE_REPORT_ROWS_MAX = 200

const VERSION = 1
const ROW_SIZE = 9
const HEAD_SIZE = 1 + 32 + 8 + 8 + 2

/** No report is longer. */
export const PROBE_REPORT_MAX_BYTES: number = HEAD_SIZE + PROBE_REPORT_ROWS_MAX * ROW_SIZE + SIGNATURE_SIZE

/** @throws {RangeError} for more rows than a report has */
export function sealProbeReport(
  report: ProbeReport,
  network: NetworkId,
  sign: (bytes: Uint8Array) => Uint8Array,
): Uint8Array {
  const body = encodeBody(report)
  return concat(body, sign(signedText(network, body)))
}

/** A report that may be anybody's. */
export interface ClaimedReport {
  readonly report: ProbeReport
  /** Whether the named tester signed it for `network`. */
  isSignedFor(network: NetworkId): boolean
}

/** Reads without checking the signature. @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED */
export function readProbeReport(bytes: Uint8Array): ClaimedReport {
  if (bytes.length > PROBE_REPORT_MAX_BYTES) throw new ProtocolError('FRAME_TOO_LARGE', 'Too large a report')
  const reader = new FieldReader(asBuffer(bytes), 'A report')
  if (reader.u8() !== VERSION) throw new ProtocolError('FRAME_MALFORMED', 'A report of another version')
  const testerBytes = ed25519PublicKey(reader.take(32))
  const report: ProbeReport = {
    tester: serviceNodeKey(testerBytes),
    epoch: reader.safeInteger(),
    timestampMs: reader.safeInteger(),
    rows: takeRows(reader),
  }
  const body = bytes.subarray(0, bytes.length - reader.left)
  const signature = reader.take(SIGNATURE_SIZE)
  reader.end()
  return {
    report,
    isSignedFor: (network) => verifySignature(signature, signedText(network, body), testerBytes),
  }
}

function encodeBody({ tester, epoch, timestampMs, rows }: ProbeReport): Uint8Array {
  if (rows.length > PROBE_REPORT_ROWS_MAX) throw new RangeError('More rows than a report has')
  const numbers = Buffer.alloc(8 + 8 + 2 + rows.length * ROW_SIZE)
  numbers.writeBigUInt64BE(BigInt(epoch))
  numbers.writeBigUInt64BE(BigInt(timestampMs), 8)
  numbers.writeUInt16BE(rows.length, 16)
  for (const [index, { member, findings }] of rows.entries()) {
    numbers.writeBigUInt64BE(member, 18 + index * ROW_SIZE)
    numbers.writeUInt8(bitsOf(findings), 18 + index * ROW_SIZE + 8)
  }
  return concat(Uint8Array.of(VERSION), serviceNodeKeyBytes(tester), numbers)
}

function takeRows(reader: FieldReader): readonly ReportRow[] {
  const count = reader.u16()
  if (count > PROBE_REPORT_ROWS_MAX) throw new ProtocolError('FRAME_TOO_LARGE', 'More rows than a report has')
  const rows: ReportRow[] = []
  for (let index = 0; index < count; index++) {
    const member = reader.u64()
    const before = rows.at(-1)
    if (before !== undefined && member <= before.member) {
      throw new ProtocolError('FRAME_MALFORMED', 'Rows of a report out of order')
    }
    rows.push({ member, findings: findingsOf(reader.u8()) })
  }
  return rows
}

function bitsOf(findings: Findings): number {
  return PEER_TESTS.reduce((bits, test, place) => {
    const finding = findings[test]
    return finding === undefined ? bits : bits | ((finding === 'failed' ? 3 : 1) << (place * 2))
  }, 0)
}

function findingsOf(bits: number): Findings {
  const pairs = PEER_TESTS.map((test, place) => [test, (bits >> (place * 2)) & 3] as const)
  const isPossible = pairs.every(([, pair]) => pair !== 2)
  if (bits === 0 || bits >> (PEER_TESTS.length * 2) !== 0 || !isPossible) {
    throw new ProtocolError('FRAME_MALFORMED', 'Findings that cannot be')
  }
  const tested = pairs.filter(([, pair]) => pair !== 0)
  return Object.fromEntries(tested.map(([test, pair]) => [test, pair === 3 ? 'failed' : 'passed']))
}

function signedText(network: NetworkId, body: Uint8Array): Uint8Array {
  return concat(utf8(`starling-probe-report/${network}`), body)
}
