// The records on disk: pinned bytes, so that a change of layout cannot go unnoticed, and refusal of anything else.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AccountId } from '../../../src/protocol/account.ts'
import type { MessageHash } from '../../../src/protocol/message.ts'
import {
  decodeTotals,
  decodeUsage,
  EMPTY_TOTALS,
  EMPTY_USAGE,
  encodeTotals,
  encodeUsage,
} from '../../../src/storage/counters-codec.ts'
import { StorageError } from '../../../src/storage/errors.ts'
import { decodeExpiryEntry, encodeExpiryEntry } from '../../../src/storage/expiry-entry.ts'
import { decodeHint, decodeHintQueue, encodeHint, encodeHintQueue } from '../../../src/storage/hint-codec.ts'
import * as keys from '../../../src/storage/keys.ts'
import { decodeLocator, decodeRow, encodeLocator, encodeRow, rowWithTimes } from '../../../src/storage/message-codec.ts'
import { stamped } from '../../../src/storage/operation.ts'
import {
  decodeRequest,
  decodeRequestLog,
  encodeRequest,
  encodeRequestLog,
  idOfName,
  requestName,
} from '../../../src/storage/request-codec.ts'
import {
  decodeRevocationLists,
  decodeRevocations,
  encodeRevocationLists,
  encodeRevocations,
} from '../../../src/storage/revocation-codec.ts'

const ACCOUNT = keys.accountBytes(`05${'ab'.repeat(32)}` as AccountId)
const ACCOUNT_HEX = `05${'ab'.repeat(32)}`
const HASH = `${'A'.repeat(42)}/` as MessageHash
const HASH_HEX = `${'00'.repeat(31)}0fc0`

const u48 = fc.integer({ min: 0, max: keys.U48_MAX })
const namespaces = fc.integer({ min: -32_768, max: 32_767 })
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const hashes = fc
  .array(fc.constantFrom(...digits), { minLength: 43, maxLength: 43 })
  .map((list) => list.join('') as MessageHash)
const bytesOf = (size: number) => fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes))

const decoders = {
  'list of revocations': decodeRevocations,
  'count of revocation lists': decodeRevocationLists,
  row: decodeRow,
  locator: decodeLocator,
  'locator with a history': decodeLocator,
  usage: decodeUsage,
  totals: decodeTotals,
  'expiry entry': decodeExpiryEntry,
  'request log': decodeRequestLog,
  'hint queue': decodeHintQueue,
}

const samples: Record<keyof typeof decoders, { record: Buffer; hex: string }> = {
  'list of revocations': {
    record: encodeRevocations({
      stamp: 1,
      base: [{ token: Buffer.alloc(36, 0xc7), stamp: 258 }],
      changes: [{ kind: 'unrevoke', stamp: 2 ** 48, tokens: [Buffer.alloc(36, 0xd8)] }],
    }),
    hex: `020000000000000101${'c7'.repeat(36)}000000000001020101000000000000020001${'d8'.repeat(36)}`,
  },
  'count of revocation lists': { record: encodeRevocationLists(258), hex: '01000000000102' },
  row: {
    record: encodeRow({ hash: keys.hashBytes(HASH), timestampMs: 1, expiryMs: 2 ** 40, data: Buffer.from('hi') }),
    hex: `0100${HASH_HEX}000000000001010000000000000000026869`,
  },
  locator: {
    record: encodeLocator({
      namespace: -1,
      sequence: 7,
      timestampMs: 1,
      expiryMs: 2,
      dataBytes: 5_000,
      placement: 'apart',
      stamp: 3,
    }),
    hex: '02017fff0000000000070000000000010000000000020000138800000000000003',
  },
  'locator with a history': {
    record: encodeLocator({
      ...{ namespace: 0, sequence: 0, timestampMs: 0, expiryMs: 9, dataBytes: 0, placement: 'none', stamp: 8 },
      history: {
        stamp: 3,
        base: { namespace: -1, timestampMs: 1, expiryMs: 2 },
        operations: [
          stamped(4, { kind: 'store', namespace: 5, timestampMs: 1, expiryMs: 2 }),
          stamped(5, { kind: 'extend', expiryMs: 3, order: 1 }),
          stamped(6, { kind: 'expire-range', namespace: 'all', expiryMs: 2 ** 53 - 1 }),
          stamped(7, { kind: 'delete-range', namespace: -1, beforeMs: 258 }),
          stamped(8, { kind: 'delete' }),
        ],
      },
    }),
    hex: [
      '028380000000000000000000000000000000000000090000000000000000000008',
      '00000000000003017fff00000000000100000000000205',
      '0000000000000401800500000000000100000000000200000000000005030100000000000300000000000006060100',
      '00ffffffffffff0000000000000708007fff0000000001020000000000000807',
    ].join(''),
  },
  usage: {
    record: encodeUsage({ ...EMPTY_USAGE, messages: 3, dataBytes: 4, tombstones: 5, withheldBytes: 6 }),
    hex: '02000000030000000000040000000500000000000600',
  },
  totals: {
    record: encodeTotals({
      ...EMPTY_TOTALS,
      nextSequence: 9,
      messages: 3,
      dataBytes: 4,
      tombstones: 5,
      newestStamp: 6,
      requests: 7,
      requestBytes: 8,
    }),
    hex: '0300000000000900000000000300000000000400000000000500000000000000000000000006000000000007000000000008',
  },
  'expiry entry': {
    record: encodeExpiryEntry([{ account: ACCOUNT, hash: keys.hashBytes(HASH) }]),
    hex: `010001${ACCOUNT_HEX}${HASH_HEX}`,
  },
  'request log': {
    record: encodeRequestLog({
      requests: 2,
      bytes: 258,
      supersedable: [
        { name: Buffer.alloc(15, 1), subject: { kind: 'delete-range', namespace: -1, beforeMs: 258 } },
        { name: Buffer.alloc(15, 2), subject: { kind: 'set', hashes: Buffer.alloc(8, 9), untilMs: 259 } },
      ],
    }),
    hex: `0100020000010202${'01'.repeat(15)}01007fff000000000102${'02'.repeat(15)}02${'09'.repeat(8)}000000000103`,
  },
  'hint queue': { record: encodeHintQueue({ hints: 2, bytes: 258 }), hex: '0100000002000000000102' },
}

describe.each(Object.keys(decoders) as (keyof typeof decoders)[])('a %s', (kind) => {
  const decode = decoders[kind]
  const { record, hex } = samples[kind]

  test('has the bytes that are on disk', () => {
    expect(record.toString('hex')).toBe(hex)
  })

  test('is refused when it is cut at any length, or longer', () => {
    for (let length = 0; length < record.length; length++) {
      expect(() => decode(record.subarray(0, length))).toThrow(StorageError)
    }
    expect(() => decode(Buffer.concat([record, Buffer.alloc(1)]))).toThrow(StorageError)
  })

  test('is refused in another version', () => {
    const newer = Buffer.from(record)
    newer[0] = 0x7f
    expect(() => decode(newer)).toThrow(StorageError)
  })

  test('is refused or read, whatever the bytes are', () => {
    const mutated = fc
      .array(fc.tuple(fc.nat(record.length - 1), fc.nat(255)), { maxLength: 4 })
      .map((changes) => changes.reduce((bytes, [at, value]) => bytes.fill(value, at, at + 1), Buffer.from(record)))
    const any = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(mutated, any), (bytes) => {
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(StorageError)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

test('rows and locators come back as they were', () => {
  const rows = fc.record({ hash: hashes, timestampMs: u48, expiryMs: u48, data: fc.uint8Array({ maxLength: 9_000 }) })
  fc.assert(
    fc.property(rows, u48, ({ hash, data, ...times }, expiryMs) => {
      const encoded = encodeRow({ hash: keys.hashBytes(hash), data, ...times })
      const expected = {
        hash,
        ...times,
        dataBytes: data.length,
        data: data.length > 4_096 ? undefined : Buffer.from(data),
      }
      expect(decodeRow(encoded)).toEqual(expected)
      expect(decodeRow(rowWithTimes(encoded, { timestampMs: 7, expiryMs }))).toEqual({
        ...expected,
        timestampMs: 7,
        expiryMs,
      })
    }),
    { numRuns: 200 },
  )
  const locators = fc.record({
    namespace: namespaces,
    sequence: u48,
    timestampMs: u48,
    expiryMs: u48,
    dataBytes: fc.nat(2 ** 31 - 1),
    placement: fc.constantFrom('inside' as const, 'apart' as const, 'withheld' as const, 'none' as const),
    stamp: fc.maxSafeNat(),
  })
  fc.assert(
    fc.property(locators, (locator) => {
      expect(decodeLocator(encodeLocator(locator))).toEqual(locator)
    }),
  )
})

test('expiry entries come back as they were', () => {
  const reference = fc.record({ account: bytesOf(33), hash: bytesOf(33) })
  fc.assert(
    fc.property(fc.array(reference), (references) => {
      expect(decodeExpiryEntry(encodeExpiryEntry(references))).toEqual(references)
    }),
  )
})

test('requests and hints come back as they were, with what is said of them', () => {
  const payload = Buffer.from('{}')
  expect(encodeRequest(payload).toString('hex')).toBe('017b7d')
  expect(decodeRequest(encodeRequest(payload))).toEqual(payload)
  const hint = { queuedMs: 1, expiryMs: 258, payload }
  expect(encodeHint(hint).toString('hex')).toBe('010000000000010000000001027b7d')
  expect(decodeHint(encodeHint(hint))).toEqual(hint)
  for (const decode of [decodeRequest, decodeHint]) expect(() => decode(Buffer.alloc(9, 2))).toThrow(StorageError)
})

test('the example in the documentation is what is written', () => {
  const stamp = 1_800_000_000_000_000
  const times = { timestampMs: 1_800_000_000_000, expiryMs: 1_800_086_400_000 }
  const locator = encodeLocator({ namespace: 0, sequence: 258, ...times, dataBytes: 2, placement: 'inside', stamp })
  expect(locator.toString('hex')).toBe('0200800000000000010201a3185c500001a31d82ac000000000206651728988000')
  const token = Buffer.concat([Buffer.from([3, 3, 0, 0]), Buffer.alloc(32, 0xc7)])
  const revocations = encodeRevocations({ stamp, base: [{ token, stamp }], changes: [] })
  expect(revocations.toString('hex')).toBe(`020665172898800001${token.toString('hex')}0665172898800000`)
})

describe('keys', () => {
  test('have the bytes that are on disk since version 1', () => {
    const place = { namespace: -32_768, sequence: 258 }
    const hash = keys.hashBytes(HASH)
    expect(keys.SCHEMA_VERSION_KEY.toString('hex')).toBe('0000')
    expect(keys.TOTALS_KEY.toString('hex')).toBe('0001')
    expect(keys.rowKey(ACCOUNT, place).toString('hex')).toBe(`01${ACCOUNT_HEX}0000000000000102`)
    expect(keys.locatorKey(ACCOUNT, hash).toString('hex')).toBe(`02${ACCOUNT_HEX}${HASH_HEX}`)
    expect(keys.expiryKey(1, 2).toString('hex')).toBe('0300000001000000000002')
    expect(keys.usageKey(ACCOUNT).toString('hex')).toBe(`04${ACCOUNT_HEX}`)
    expect(keys.bodyKey(ACCOUNT, place).toString('hex')).toBe(`05${ACCOUNT_HEX}0000000000000102`)
    const name = requestName(1_800_000_000_000_000, Buffer.from('{}'))
    expect(name.subarray(0, 7).toString('hex')).toBe('06651728988000')
    expect(idOfName(name).toString('hex')).toBe(`${name.toString('hex')}${'00'.repeat(18)}`)
    expect(keys.requestLogKey(ACCOUNT).toString('hex')).toBe(`08${ACCOUNT_HEX}`)
    expect(keys.requestKey(ACCOUNT, name).toString('hex')).toBe(`08${ACCOUNT_HEX}${name.toString('hex')}`)
    const peer = Buffer.alloc(32, 0xcd)
    expect(keys.hintQueueKey(peer).toString('hex')).toBe(`09${'cd'.repeat(32)}`)
    expect(keys.hintKey(peer, 258).toString('hex')).toBe(`09${'cd'.repeat(32)}000000000102`)
    expect(keys.markKey('join').toString('hex')).toBe('00056a6f696e')
    expect(keys.bodyKeyOfRow(keys.rowKey(ACCOUNT, place))).toEqual(keys.bodyKey(ACCOUNT, place))
  })

  test('order rows by namespace, then by sequence', () => {
    const places = fc.record({ namespace: namespaces, sequence: u48 })
    fc.assert(
      fc.property(places, places, (a, b) => {
        const expected = Math.sign(a.namespace - b.namespace || a.sequence - b.sequence)
        expect(Math.sign(Buffer.compare(keys.rowKey(ACCOUNT, a), keys.rowKey(ACCOUNT, b)))).toBe(expected)
      }),
    )
  })

  test('keep every hash of 43 digits apart, spare bits included', () => {
    fc.assert(
      fc.property(hashes, (hash) => {
        expect(keys.hashFromBytes(keys.hashBytes(hash))).toBe(hash)
        expect(keys.hashOfLocatorKey(keys.locatorKey(ACCOUNT, keys.hashBytes(hash)))).toBe(hash)
      }),
    )
  })

  test('of an account lie inside its range, and those of its neighbours outside', () => {
    const all = fc.tuple(bytesOf(33), bytesOf(33), bytesOf(33))
    fc.assert(
      fc.property(all, ([account, other, hash]) => {
        const { gte, lt } = keys.locatorRange(account)
        const isInside = (key: Buffer) => Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0
        expect(isInside(keys.locatorKey(account, hash))).toBe(true)
        expect(isInside(keys.locatorKey(account, Buffer.alloc(33, 0xff)))).toBe(true)
        expect(isInside(keys.locatorKey(other, hash))).toBe(account.equals(other))
      }),
    )
  })
})
