import { concat, fromHex, toHex } from '../base/bytes.ts'
import { PUBLIC_KEY_SIZE } from '../crypto/keys.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { encodeArc, malformed, takeArc, unsigned } from '../protocol/peer-api/contents-fields.ts'
import { encodeCursor, takeCursor } from '../protocol/peer-api/contents-item.ts'
import { FieldReader } from '../protocol/peer-api/field-reader.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { ArcSet } from './arc-set.ts'
import type { JoinPiece, JoinRange, JoinState } from './join-plan.ts'

// How far a join has come, as it is kept on disk. Integers are big-endian.
//
//   state  := version u8 = 1 | count u16 | arc * | count u16 | piece *
//   piece  := arc | count u16 | key 32 * | count u16 | range *
//   range  := first u8 | last u8 | 0 (untouched) or 2 (done)
//           | first u8 | last u8 | 1 | cursor (protocol `contents`)
//   arc    := first u64 | last u64

const VERSION = 1
const UNTOUCHED = 0
const BEGUN = 1
const DONE = 2

export function encodeJoinState({ complete, pieces }: JoinState): Uint8Array {
  return concat(
    Uint8Array.of(VERSION),
    arcList(complete.arcs),
    unsigned(pieces.length, 2),
    ...pieces.flatMap(pieceParts),
  )
}

/** Undefined for what cannot be read: then everything is fetched anew. */
export function decodeJoinState(bytes: Uint8Array): JoinState | undefined {
  try {
    const reader = new FieldReader(bytes, 'How far a join has come')
    if (reader.u8() !== VERSION) return undefined
    const complete = ArcSet.of(...listOf(reader, takeArc))
    const pieces = listOf(reader, takePiece)
    reader.end()
    return { complete, pieces }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function pieceParts({ arc, sources, ranges }: JoinPiece): Uint8Array[] {
  const keys = sources.map((key) => fromHex(key) ?? new Uint8Array(PUBLIC_KEY_SIZE))
  return [
    encodeArc(arc),
    unsigned(sources.length, 2),
    ...keys,
    unsigned(ranges.length, 2),
    ...ranges.flatMap(rangeParts),
  ]
}

function takePiece(reader: FieldReader): JoinPiece {
  return { arc: takeArc(reader), sources: listOf(reader, takeKey), ranges: listOf(reader, takeRange) }
}

function rangeParts({ first, last, after, done }: JoinRange): Uint8Array[] {
  if (done) return [Uint8Array.of(first, last, DONE)]
  if (after === undefined) return [Uint8Array.of(first, last, UNTOUCHED)]
  return [Uint8Array.of(first, last, BEGUN), encodeCursor(after)]
}

function takeRange(reader: FieldReader): JoinRange {
  const first = reader.u8()
  const last = reader.u8()
  const state = reader.u8()
  if (state > DONE || first > last) throw malformed('Not a range of accounts')
  return { first, last, after: state === BEGUN ? takeCursor(reader) : undefined, done: state === DONE }
}

function takeKey(reader: FieldReader): ServiceNodeKey {
  return toHex(reader.take(PUBLIC_KEY_SIZE)) as ServiceNodeKey
}

function arcList(arcs: ArcSet['arcs']): Uint8Array {
  return concat(unsigned(arcs.length, 2), ...arcs.map(encodeArc))
}

function listOf<T>(reader: FieldReader, take: (reader: FieldReader) => T): T[] {
  return Array.from({ length: reader.u16() }, () => take(reader))
}
