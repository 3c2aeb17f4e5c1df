import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../../../src/base/bytes.ts'
import { type AccountId, parseAccountId } from '../../../../src/protocol/account.ts'
import {
  CONTENTS_EXCHANGE_MAX_BYTES,
  CONTENTS_SLOTS,
  type ContentsEntry,
  type HeldItem,
  type HeldMessage,
} from '../../../../src/protocol/contents.ts'
import {
  hashOfMessageId,
  isSameEntry,
  messageEntryOf,
  messageIdOf,
  requestEntryOf,
  slotOf,
  stampOfRequestId,
} from '../../../../src/protocol/contents-entry.ts'
import { FORWARDED_REQUEST_MAX_BYTES } from '../../../../src/protocol/limits.ts'
import { hashMessage } from '../../../../src/protocol/message.ts'
import { decodeContentsAnswer, encodeContentsAnswer } from '../../../../src/protocol/peer-api/contents-answer.ts'
import {
  CONTENTS_ASKED_MAX,
  CONTENTS_BUCKETS_MAX,
  CONTENTS_SHORT_SUM_SIZE,
  type ContentsAnswer,
  type ContentsRequest,
  type ContentsRequestKind,
} from '../../../../src/protocol/peer-api/contents-exchange.ts'
import { encodeItems, heldItemSize } from '../../../../src/protocol/peer-api/contents-item.ts'
import { decodeContentsRequest, encodeContentsRequest } from '../../../../src/protocol/peer-api/contents-request.ts'
import { protocolErrorOf } from '../onion/vectors.ts'

interface Vector {
  readonly name: string
  readonly hex: string
}
interface AnswerVector extends Vector {
  readonly kind: ContentsRequestKind
  readonly count?: number
  readonly answer: unknown
}

const vectors = JSON.parse(readFileSync('test/vectors/contents-exchange.json', 'utf8')) as {
  requests: readonly Vector[]
  answers: readonly AnswerVector[]
  message: { entry: { account: string; id: string; version: string } }
  request: { held: { payload: string }; stamp: number; entry: { account: string; id: string } }
}
const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array()
const account = (hex: string) => parseAccountId(hex) as AccountId

/** As vectors are written: bytes in hex, big integers as text, sets as lists. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Set) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]))
}

describe('requests', () => {
  test.each(vectors.requests)('$name', ({ name: _, hex, ...fields }) => {
    const request = decodeContentsRequest(bytes(hex))
    expect(plain(request)).toEqual(fields)
    expect(toHex(encodeContentsRequest(request))).toBe(hex)
  })
})

describe('answers', () => {
  test.each(vectors.answers)('$name', ({ kind, hex, count, answer }) => {
    const decoded = decodeContentsAnswer(kind, bytes(hex), count)
    expect(plain(decoded)).toEqual(answer)
    expect(toHex(encodeContentsAnswer(kind, decoded))).toBe(hex)
  })
})

test('a thing has the entry that follows from it', () => {
  const given = decodeContentsAnswer('read', bytes(hexOfAnswer('things')))
  const [message, request] = 'items' in given ? given.items : []
  if (message?.kind !== 'message' || request?.kind !== 'request') throw new Error('Not the vectors that these were')
  expect(plain(messageEntryOf(message))).toEqual(vectors.message.entry)
  expect(plain(requestEntryOf(request.account, vectors.request.stamp, request.payload))).toEqual(vectors.request.entry)
  expect(hashMessage(message.message.account, message.message.namespace, message.message.data)).toBe(
    message.message.hash,
  )
})

test('ids tell hashes and stamps, and refuse what is no hash or stamp', () => {
  const id = bytes(vectors.message.entry.id)
  const hash = hashOfMessageId(id)
  expect(hash === undefined ? undefined : toHex(messageIdOf(hash))).toBe(vectors.message.entry.id)
  expect(hashOfMessageId(Buffer.concat([id.subarray(0, 32), Buffer.of((id[32] ?? 0) | 1)]))).toBeUndefined()

  const requestId = bytes(vectors.request.entry.id)
  expect(stampOfRequestId(requestId)).toBe(vectors.request.stamp)
  expect(stampOfRequestId(Buffer.concat([requestId.subarray(0, 32), Buffer.of(1)]))).toBeUndefined()
  expect(stampOfRequestId(Buffer.alloc(33, 0xff))).toBeUndefined()
})

test('the slot of an account is the upper half of the first byte of its key', () => {
  expect(slotOf(account(`05${'00'.repeat(32)}`))).toBe(0)
  expect(slotOf(account(`0510${'ff'.repeat(31)}`))).toBe(1)
  expect(slotOf(account(`03ff${'00'.repeat(31)}`))).toBe(15)
})

const uint8s = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
const accounts = uint8s(33).map((id) => account(toHex(id)))
const u32 = fc.nat(2 ** 32 - 1)
const u48 = fc.nat(2 ** 48 - 1)
const arcs = fc.record({
  first: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  last: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
})
const kinds = fc.constantFrom('message' as const, 'request' as const)
const cursors = fc.record({ kind: kinds, account: accounts, id: uint8s(33) })
const entries = fc.array(fc.record({ kind: kinds, account: accounts, id: uint8s(33), version: uint8s(8) }), {
  maxLength: 12,
})
const messages: fc.Arbitrary<HeldMessage> = fc
  .record({
    account: accounts,
    namespace: fc.integer({ min: -32_768, max: 32_767 }),
    times: fc.tuple(u48, u48, u48, fc.maxSafeNat(), fc.maxSafeNat()),
    data: fc.uint8Array({ maxLength: 60 }),
  })
  .map(({ times: [timestampMs, expiryMs, livesUntilMs, stamp, changedStamp], ...fields }) => ({
    kind: 'message',
    message: { ...fields, timestampMs, expiryMs, hash: hashMessage(fields.account, fields.namespace, fields.data) },
    stamp,
    livesUntilMs,
    changedStamp,
  }))
const items: fc.Arbitrary<HeldItem[]> = fc.array(
  fc.oneof(
    messages,
    fc.record({ kind: fc.constant('request' as const), account: accounts, payload: fc.uint8Array({ maxLength: 60 }) }),
  ),
  { maxLength: 5 },
)
const requests: fc.Arbitrary<ContentsRequest> = fc.oneof(
  fc.record({ kind: fc.constant('total' as const), arc: arcs, from: u32, sum: uint8s(16) }),
  fc.record({
    kind: fc.constant('buckets' as const),
    arc: arcs,
    from: u32,
    sums: fc.array(fc.record({ bucket: u32, sum: uint8s(8) }), { maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('list' as const),
    arc: arcs,
    bucket: u32,
    slots: fc.uniqueArray(fc.nat(15)).map((slots) => new Set(slots.toSorted((a, b) => a - b))),
    after: u48,
  }),
  fc.record({ kind: fc.constantFrom('read' as const, 'offer' as const), entries }),
  fc.record({
    kind: fc.constant('page' as const),
    arc: arcs,
    first: fc.nat(100),
    last: fc.integer({ min: 100, max: 255 }),
    after: fc.option(cursors, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('give' as const), items }),
)

test('what is encoded is decoded', () => {
  fc.assert(
    fc.property(requests, (request) => {
      expect(plain(decodeContentsRequest(encodeContentsRequest(request)))).toEqual(plain(request))
    }),
  )
  const returns = <Kind extends ContentsRequestKind>(kind: Kind, answer: ContentsAnswer<Kind>, count?: number) => {
    expect(plain(decodeContentsAnswer(kind, encodeContentsAnswer(kind, answer), count))).toEqual(plain(answer))
  }
  fc.assert(
    fc.property(entries, items, fc.array(fc.boolean(), { maxLength: 40 }), (someEntries, someItems, wanted) => {
      returns('list', { entries: someEntries, next: 7 })
      returns('read', { items: someItems })
      returns('page', { items: someItems, more: false })
      returns('offer', { wanted }, wanted.length)
      returns('give', { outcomes: wanted.map((flag) => (flag ? 'taken' : 'full')) }, wanted.length)
    }),
  )
})

test('the size of an item is what it takes', () => {
  fc.assert(
    fc.property(items, (list) => {
      expect(encodeItems(list).length).toBe(2 + list.reduce((sum, item) => sum + heldItemSize(item), 0))
    }),
  )
})

test('two entries are the same when kind, account, id and version are', () => {
  const [a, b] = decodedEntries()
  if (a === undefined || b === undefined) throw new Error('Too few entries')
  expect(isSameEntry(a, { ...a, id: Buffer.from(a.id) })).toBe(true)
  expect(isSameEntry(a, { ...a, version: b.version })).toBe(false)
  expect(isSameEntry(a, b)).toBe(false)
})

test('a request or an answer that is cut, or has more behind it, is refused', () => {
  const frames = [
    ...vectors.requests.map(({ hex }) => ({ hex, decode: decodeContentsRequest })),
    ...vectors.answers.map(({ hex, kind, count }) => ({
      hex,
      decode: (input: Uint8Array) => decodeContentsAnswer(kind, input, count),
    })),
  ]
  for (const { hex, decode } of frames) {
    const whole = bytes(hex)
    for (let length = 0; length < whole.length; length++) {
      expect(protocolErrorOf(() => decode(whole.subarray(0, length)))).toBe('FRAME_TRUNCATED')
    }
    expect(protocolErrorOf(() => decode(Buffer.concat([whole, Buffer.of(0)])))).toBe('FRAME_TOO_LARGE')
  }
})

describe('refused is', () => {
  const request = (hex: string) => protocolErrorOf(() => decodeContentsRequest(bytes(hex)))
  const answer = (kind: ContentsRequestKind, hex: string, count?: number) =>
    protocolErrorOf(() => decodeContentsAnswer(kind, bytes(hex), count))
  const arc = '00'.repeat(16)

  test('more than may be said at once', () => {
    const large = new Uint8Array(CONTENTS_EXCHANGE_MAX_BYTES + 1)
    expect(protocolErrorOf(() => decodeContentsRequest(large))).toBe('FRAME_TOO_LARGE')
    expect(protocolErrorOf(() => decodeContentsAnswer('read', large))).toBe('FRAME_TOO_LARGE')
  })

  test('an unknown kind, status, outcome or flag', () => {
    expect(request('07')).toBe('FRAME_MALFORMED')
    expect(request(`04${arc}00ff02`)).toBe('FRAME_MALFORMED')
    expect(answer('total', '04')).toBe('FRAME_MALFORMED')
    expect(answer('read', '010000')).toBe('FRAME_MALFORMED')
    expect(answer('page', '00020000')).toBe('FRAME_MALFORMED')
    expect(answer('give', '00000104', 1)).toBe('FRAME_MALFORMED')
    expect(request(`030001${'02'.repeat(75)}`)).toBe('FRAME_MALFORMED')
  })

  test('a page that ends before it begins', () => {
    expect(request(`04${arc}201f00`)).toBe('FRAME_MALFORMED')
  })

  test('more buckets than there are', () => {
    const count = CONTENTS_BUCKETS_MAX + 1
    const sums = '00'.repeat(count * (4 + CONTENTS_SHORT_SUM_SIZE))
    expect(request(`01${arc}00000000${count.toString(16)}${sums}`)).toBe('FRAME_TOO_LARGE')
    const slots = '00'.repeat(count * (4 + CONTENTS_SLOTS * CONTENTS_SHORT_SUM_SIZE))
    expect(answer('buckets', `00${count.toString(16)}${slots}`)).toBe('FRAME_TOO_LARGE')
  })

  test('a question about more things than one may ask about', () => {
    const count = CONTENTS_ASKED_MAX + 1
    const [entry] = decodedEntries()
    if (entry === undefined) throw new Error('Too few entries')
    const asked = encodeContentsRequest({ kind: 'offer', entries: new Array<ContentsEntry>(count).fill(entry) })
    expect(protocolErrorOf(() => decodeContentsRequest(asked))).toBe('FRAME_TOO_LARGE')
  })

  test('a thing that is larger than it may be', () => {
    const item = `01${vectors.request.entry.account}${(FORWARDED_REQUEST_MAX_BYTES + 1).toString(16).padStart(8, '0')}`
    expect(request(`060001${item}`)).toBe('FRAME_TOO_LARGE')
  })

  test('a stamp that no double holds, and a hash with stray bits', () => {
    const whole = hexOfAnswer('a page with more behind it')
    const hashEnd = 2 * (1 + 1 + 2 + 1 + 33 + 33)
    const stray = `${whole.slice(0, hashEnd - 2)}ff${whole.slice(hashEnd)}`
    expect(answer('page', stray)).toBe('FRAME_MALFORMED')
    const stampAt = hashEnd + 2 * (2 + 6 + 6)
    expect(answer('page', `${whole.slice(0, stampAt)}ff${whole.slice(stampAt + 2)}`)).toBe('FRAME_MALFORMED')
  })

  test('an answer about more, or other, than was asked', () => {
    expect(answer('offer', '0080', 8)).toBeUndefined()
    expect(answer('offer', '0001', 7)).toBe('FRAME_MALFORMED')
    expect(answer('give', '00000100', 2)).toBe('FRAME_MALFORMED')
  })
})

function hexOfAnswer(wanted: string): string {
  const vector = vectors.answers.find(({ name }) => name === wanted)
  if (vector === undefined) throw new Error('There is no such vector')
  return vector.hex
}

function decodedEntries(): readonly ContentsEntry[] {
  const decoded = decodeContentsAnswer('list', bytes(hexOfAnswer('a page of a list')))
  return 'entries' in decoded ? decoded.entries : []
}
