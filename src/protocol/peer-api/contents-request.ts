import { concat } from '../../base/bytes.ts'
import { CONTENTS_SLOTS, CONTENTS_SUM_SIZE, type ContentsEntry } from '../contents.ts'
import { ProtocolError } from '../errors.ts'
import {
  type BucketSum,
  CONTENTS_ASKED_MAX,
  CONTENTS_REQUEST_KINDS,
  CONTENTS_SHORT_SUM_SIZE,
  type ContentsRequest,
  type ContentsRequestKind,
} from './contents-exchange.ts'
import { bucketCountOf, encodeArc, malformed, refuseLarge, takeArc, takeFlag, unsigned } from './contents-fields.ts'
import { encodeCursor, encodeEntries, encodeItems, takeCursor, takeEntries, takeItems } from './contents-item.ts'
import { FieldReader } from './field-reader.ts'

const SUBJECT = 'A request about contents'

export function encodeContentsRequest(request: ContentsRequest): Uint8Array {
  return concat(Uint8Array.of(CONTENTS_REQUEST_KINDS.indexOf(request.kind)), ...requestParts(request))
}

function requestParts(request: ContentsRequest): readonly Uint8Array[] {
  switch (request.kind) {
    case 'total':
      return [encodeArc(request.arc), unsigned(request.from, 4), request.sum]
    case 'buckets':
      return [
        encodeArc(request.arc),
        unsigned(request.from, 4),
        unsigned(request.sums.length, 2),
        ...request.sums.flatMap(bucketParts),
      ]
    case 'list':
      return [
        encodeArc(request.arc),
        unsigned(request.bucket, 4),
        unsigned(slotBits(request.slots), 2),
        unsigned(request.after, 6),
      ]
    case 'page': {
      const { arc, first, last, after } = request
      const range = Uint8Array.of(first, last, after === undefined ? 0 : 1)
      return [encodeArc(arc), range, ...(after === undefined ? [] : [encodeCursor(after)])]
    }
    case 'read':
    case 'offer':
      return [encodeEntries(request.entries)]
    case 'give':
      return [encodeItems(request.items)]
  }
}

/** @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED */
export function decodeContentsRequest(bytes: Uint8Array): ContentsRequest {
  refuseLarge(bytes)
  const reader = new FieldReader(bytes, SUBJECT)
  const kind = CONTENTS_REQUEST_KINDS[reader.u8()]
  if (kind === undefined) throw malformed('A request about contents of an unknown kind')
  const request = takeRequest(reader, kind)
  reader.end()
  return request
}

function takeRequest(reader: FieldReader, kind: ContentsRequestKind): ContentsRequest {
  switch (kind) {
    case 'total':
      return { kind, arc: takeArc(reader), from: reader.u32(), sum: reader.take(CONTENTS_SUM_SIZE) }
    case 'buckets':
      return { kind, arc: takeArc(reader), from: reader.u32(), sums: takeBuckets(reader) }
    case 'list':
      return { kind, arc: takeArc(reader), bucket: reader.u32(), slots: takeSlots(reader), after: reader.u48() }
    case 'page':
      return {
        kind,
        arc: takeArc(reader),
        ...takeRange(reader),
        after: takeFlag(reader) ? takeCursor(reader) : undefined,
      }
    case 'read':
    case 'offer':
      return { kind, entries: takeAsked(reader) }
    case 'give':
      return { kind, items: takeItems(reader) }
  }
}

function takeAsked(reader: FieldReader): readonly ContentsEntry[] {
  const entries = takeEntries(reader)
  if (entries.length <= CONTENTS_ASKED_MAX) return entries
  throw new ProtocolError('FRAME_TOO_LARGE', 'More things than may be asked about at once')
}

function bucketParts({ bucket, sum }: BucketSum): readonly Uint8Array[] {
  return [unsigned(bucket, 4), sum]
}

function takeBuckets(reader: FieldReader): readonly BucketSum[] {
  const count = bucketCountOf(reader, CONTENTS_SHORT_SUM_SIZE)
  return Array.from({ length: count }, () => ({ bucket: reader.u32(), sum: reader.take(CONTENTS_SHORT_SUM_SIZE) }))
}

function slotBits(slots: ReadonlySet<number>): number {
  let bits = 0
  for (const slot of slots) bits |= 1 << slot
  return bits
}

function takeSlots(reader: FieldReader): ReadonlySet<number> {
  const bits = reader.u16()
  return new Set(Array.from({ length: CONTENTS_SLOTS }, (_, slot) => slot).filter((slot) => (bits >> slot) & 1))
}

function takeRange(reader: FieldReader): { first: number; last: number } {
  const [first, last] = [reader.u8(), reader.u8()]
  if (first > last) throw malformed('A page of accounts that ends before it begins')
  return { first, last }
}
