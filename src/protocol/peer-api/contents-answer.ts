import { concat } from '../../base/bytes.ts'
import { CONTENTS_SLOTS } from '../contents.ts'
import {
  type BucketSlots,
  CONTENTS_SHORT_SUM_SIZE,
  type ContentsAnswer,
  type ContentsAnswers,
  type ContentsRequestKind,
  type GiveOutcome,
} from './contents-exchange.ts'
import { bucketCountOf, malformed, refuseLarge, takeFlag, unsigned } from './contents-fields.ts'
import { countOf, encodeEntries, encodeItems, takeEntries, takeItems } from './contents-item.ts'
import { FieldReader } from './field-reader.ts'

/** In the order of their numbers. */
const OUTCOMES: readonly GiveOutcome[] = ['taken', 'refused', 'full', 'later']
const STATUS = { done: 0, differs: 1, otherArc: 2, notReady: 3 } as const

const SUBJECT = 'An answer about contents'
const SLOTS_SIZE = CONTENTS_SLOTS * CONTENTS_SHORT_SUM_SIZE

export function encodeContentsAnswer<Kind extends ContentsRequestKind>(
  kind: Kind,
  answer: ContentsAnswer<Kind>,
): Uint8Array {
  if ('obstacle' in answer) return Uint8Array.of(answer.obstacle === 'other-arc' ? STATUS.otherArc : STATUS.notReady)
  return ANSWERS[kind].encode(answer)
}

/**
 * `count` is of the entries or items that were asked about; the answer has as many bits or outcomes.
 * @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED
 */
export function decodeContentsAnswer<Kind extends ContentsRequestKind>(
  kind: Kind,
  bytes: Uint8Array,
  count = 0,
): ContentsAnswer<Kind> {
  refuseLarge(bytes)
  const reader = new FieldReader(bytes, SUBJECT)
  const status = reader.u8()
  const answer = answerOf(kind, reader, status, count)
  reader.end()
  return answer
}

function answerOf<Kind extends ContentsRequestKind>(
  kind: Kind,
  reader: FieldReader,
  status: number,
  count: number,
): ContentsAnswer<Kind> {
  if (status === STATUS.otherArc) return { obstacle: 'other-arc' }
  if (status === STATUS.notReady) return { obstacle: 'not-ready' }
  if (status !== STATUS.done && (status !== STATUS.differs || kind !== 'total')) throw malformed('An unknown status')
  return ANSWERS[kind].take(reader, { status, count })
}

interface AnswerForm<Answer> {
  /** With the status. */
  encode(answer: Answer): Uint8Array
  /** Without it. */
  take(reader: FieldReader, facts: { status: number; count: number }): Answer
}

const DONE = Uint8Array.of(STATUS.done)

const ANSWERS: { readonly [Kind in ContentsRequestKind]: AnswerForm<ContentsAnswers[Kind]> } = {
  total: {
    encode: ({ same }) => Uint8Array.of(same ? STATUS.done : STATUS.differs),
    take: (_, { status }) => ({ same: status === STATUS.done }),
  },
  buckets: {
    encode: ({ differing }) => concat(DONE, unsigned(differing.length, 2), ...differing.flatMap(slotsParts)),
    take: (reader) => ({ differing: takeDiffering(reader) }),
  },
  list: {
    encode: ({ entries, next }) => concat(DONE, unsigned(next ?? 0, 6), encodeEntries(entries)),
    take(reader) {
      const next = reader.u48()
      return { entries: takeEntries(reader), next: next === 0 ? undefined : next }
    },
  },
  read: {
    encode: ({ items }) => encodeItems(items, DONE),
    take: (reader) => ({ items: takeItems(reader) }),
  },
  page: {
    encode: ({ items, more }) => encodeItems(items, Uint8Array.of(STATUS.done, more ? 1 : 0)),
    take(reader) {
      const more = takeFlag(reader)
      return { items: takeItems(reader), more }
    },
  },
  offer: {
    encode: ({ wanted }) => concat(DONE, bitmapOf(wanted)),
    take: (reader, { count }) => ({ wanted: takeBitmap(reader, count) }),
  },
  give: {
    encode: ({ outcomes }) =>
      concat(
        DONE,
        unsigned(outcomes.length, 2),
        Uint8Array.from(outcomes, (outcome) => OUTCOMES.indexOf(outcome)),
      ),
    take: (reader, { count }) => ({ outcomes: takeOutcomes(reader, count) }),
  },
}

function slotsParts({ bucket, sums }: BucketSlots): readonly Uint8Array[] {
  return [unsigned(bucket, 4), ...sums]
}

function takeDiffering(reader: FieldReader): readonly BucketSlots[] {
  const count = bucketCountOf(reader, SLOTS_SIZE)
  return Array.from({ length: count }, () => ({
    bucket: reader.u32(),
    sums: Array.from({ length: CONTENTS_SLOTS }, () => reader.take(CONTENTS_SHORT_SUM_SIZE)),
  }))
}

function bitmapOf(flags: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(flags.length / 8))
  for (const [index, flag] of flags.entries()) if (flag) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | bitOf(index)
  return bytes
}

function takeBitmap(reader: FieldReader, count: number): readonly boolean[] {
  const bytes = reader.take(Math.ceil(count / 8))
  const flagAt = (index: number) => ((bytes[index >> 3] ?? 0) & bitOf(index)) !== 0
  const flags = Array.from({ length: bytes.length * 8 }, (_, index) => flagAt(index))
  if (flags.slice(count).includes(true)) throw malformed('More is wanted than was offered')
  return flags.slice(0, count)
}

/** The highest bit of a byte comes first. */
function bitOf(index: number): number {
  return 0x80 >> (index & 7)
}

function takeOutcomes(reader: FieldReader, expected: number): readonly GiveOutcome[] {
  const count = countOf(reader, 1)
  if (count !== expected) throw malformed('Not an outcome for each thing that was given')
  return Array.from(reader.take(count), (number) => {
    const outcome = OUTCOMES[number]
    if (outcome === undefined) throw malformed('An unknown outcome')
    return outcome
  })
}
