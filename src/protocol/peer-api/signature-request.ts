import { asBuffer, concat, fromHex, toHex } from '../../base/bytes.ts'
import { ProtocolError } from '../errors.ts'

// Protocol `sign`: one member asks another for its BLS signature of what the staking contract wants signed by more than two thirds
// of the members (docs/protocol/peer-api.md). Integers are big-endian.
//
//   request  := 0 | bls 64 | timestampS u64                       let this service node leave
//             | 1 | bls 64 | timestampS u64                       remove this service node
//             | 2 | recipient 20 | index u64 | total u256         this account's lifetime total in this snapshot of the ledger
//   response := 0 | signature 128
//             | refusal u8

/** What a signature is asked for. */
export type SignatureRequest =
  | {
      readonly kind: 'exit' | 'liquidate'
      /** BLS key of the service node: X | Y, 128 lower-case hex digits. */
      readonly bls: string
      /** Unix seconds; part of what is signed. */
      readonly timestampS: number
    }
  | {
      readonly kind: 'reward'
      /** 0x and 40 lower-case hex digits. */
      readonly recipient: `0x${string}`
      /** Snapshot of the ledger that the total is of. */
      readonly index: number
      readonly totalAtomic: bigint
    }

/** Why a member does not sign. The place in the list is the byte that says it, so new ones come last. */
export const SIGNATURE_REFUSALS = [
  /** It has too much to do, or the caller or the subject was asked for too often. */
  'busy',
  /** It has no list of members yet. */
  'list-missing',
  /** Its newest final block is too old: the chain stands still, or its providers do. */
  'chain-frozen',
  /** More than a third of the others judge by another list, so it may be its own that is wrong. */
  'list-doubted',
  /** The contract is paused. */
  'paused',
  /** It cannot tell whether the contract is paused. */
  'contract-unread',
  /** No member has this BLS key. */
  'not-a-member',
  /** The timestamp is no whole minute, or too far from its clock. */
  'timestamp',
  /** Nobody asked for this service node to leave. */
  'leave-not-requested',
  /** The wait after the request to leave is not over. */
  'too-early',
  /** Nothing is wrong with this member that a liquidation is for. */
  'not-liquidatable',
  /** The registration of this member could not be looked up. */
  'registration-unread',
  /** It keeps no ledger of rewards, or has no snapshot yet. */
  'ledger-missing',
  /** Its ledger is at another snapshot. */
  'ledger-index',
  /** Its ledger has another total for this account. */
  'ledger-total',
  /** It does not sign at all, for its operator has told it so. */
  'signing-off',
  /** Its ledger is known to be in doubt. */
  'ledger-doubted',
] as const

export type SignatureRefusal = (typeof SIGNATURE_REFUSALS)[number]

export type SignatureAnswer = { readonly signature: Uint8Array } | { readonly refusal: SignatureRefusal }

const KINDS = { exit: 0, liquidate: 1, reward: 2 } as const satisfies Record<SignatureRequest['kind'], number>
const SIGNED = 0

const BLS_SIZE = 64
const ADDRESS_SIZE = 20
const SIGNATURE_SIZE = 128
const REMOVAL_SIZE = 1 + BLS_SIZE + 8
const REWARD_SIZE = 1 + ADDRESS_SIZE + 8 + 32

/** No request or answer is longer. */
export const SIGNATURE_EXCHANGE_MAX_BYTES = 1 + SIGNATURE_SIZE

export function encodeSignatureRequest(request: SignatureRequest): Uint8Array {
  const kind = Uint8Array.of(KINDS[request.kind])
  if (request.kind === 'reward') {
    return concat(kind, hexBytes(request.recipient.slice(2)), u64(request.index), u256(request.totalAtomic))
  }
  return concat(kind, hexBytes(request.bls), u64(request.timestampS))
}

/** @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED */
export function decodeSignatureRequest(bytes: Uint8Array): SignatureRequest {
  const frame = asBuffer(bytes)
  if (frame.length === 0) throw truncated()
  switch (frame.readUInt8(0)) {
    case KINDS.exit:
      return { kind: 'exit', ...readRemoval(frame) }
    case KINDS.liquidate:
      return { kind: 'liquidate', ...readRemoval(frame) }
    case KINDS.reward:
      return readReward(frame)
    default:
      throw malformed('A signature of an unknown kind')
  }
}

function readRemoval(frame: Buffer): { bls: string; timestampS: number } {
  requireExactly(frame, REMOVAL_SIZE)
  return { bls: toHex(frame.subarray(1, 1 + BLS_SIZE)), timestampS: readU64(frame, 1 + BLS_SIZE) }
}

function readReward(frame: Buffer): SignatureRequest {
  requireExactly(frame, REWARD_SIZE)
  const total = toHex(frame.subarray(REWARD_SIZE - 32))
  return {
    kind: 'reward',
    recipient: `0x${toHex(frame.subarray(1, 1 + ADDRESS_SIZE))}`,
    index: readU64(frame, 1 + ADDRESS_SIZE),
    totalAtomic: BigInt(`0x${total}`),
  }
}

export function encodeSignatureAnswer(answer: SignatureAnswer): Uint8Array {
  if ('signature' in answer) return concat(Uint8Array.of(SIGNED), answer.signature)
  return Uint8Array.of(1 + SIGNATURE_REFUSALS.indexOf(answer.refusal))
}

/**
 * The signature is a view of `bytes`, and may be anything.
 * @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED
 */
export function decodeSignatureAnswer(bytes: Uint8Array): SignatureAnswer {
  const frame = asBuffer(bytes)
  if (frame.length === 0) throw truncated()
  const outcome = frame.readUInt8(0)
  if (outcome === SIGNED) {
    requireExactly(frame, 1 + SIGNATURE_SIZE)
    return { signature: frame.subarray(1) }
  }
  requireExactly(frame, 1)
  const refusal = SIGNATURE_REFUSALS[outcome - 1]
  if (refusal === undefined) throw malformed('A signature is refused for an unknown reason')
  return { refusal }
}

function requireExactly(frame: Buffer, size: number): void {
  if (frame.length < size) throw truncated()
  if (frame.length > size) throw new ProtocolError('FRAME_TOO_LARGE', 'Bytes after a signature or a request for one')
}

function readU64(frame: Buffer, at: number): number {
  const value = frame.readBigUInt64BE(at)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('A number beyond 2^53')
  return Number(value)
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

function u256(value: bigint): Uint8Array {
  return hexBytes(value.toString(16).padStart(64, '0'))
}

function hexBytes(hex: string): Uint8Array {
  const bytes = fromHex(hex)
  if (bytes === undefined) throw new RangeError('This must be hex')
  return bytes
}

function truncated(): ProtocolError {
  return new ProtocolError('FRAME_TRUNCATED', 'A signature or a request for one ends too soon')
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('FRAME_MALFORMED', message)
}
