// The records on disk: pinned bytes, so that a change of layout cannot go unnoticed, and refusal of anything else.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AccountId } from '../../../src/protocol/account.ts'
import type { MessageHash } from '../../../src/protocol/message.ts'
import { decodeTotals, decodeUsage, encodeTotals, encodeUsage } from '../../../src/storage/counters-codec.ts'
import { StorageError } from '../../../src/storage/errors.ts'
import { decodeExpiryEntry, encodeExpiryEntry } from '../../../src/storage/expiry-entry.ts'
import * as keys from '../../../src/storage/keys.ts'
import {
  decodeLocator,
  decodeRow,
  encodeLocator,
  encodeRow,
  rowWithExpiry,
} from '../../../src/storage/message-codec.ts'
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
  usage: decodeUsage,
  totals: decodeTotals,
  'expiry entry': decodeExpiryEntry,
}

const samples: Record<keyof typeof decoders, { record: Buffer; hex: string }> = {
  'list of revocations': {
    record: encodeRevocations([{ token: Buffer.alloc(36, 0xc7), revokedMs: 258 }]),
    hex: `01${'c7'.repeat(36)}000000000102`,
  },
  'count of revocation lists': { record: encodeRevocationLists(258), hex: '01000000000102' },
  row: {
    record: encodeRow({ hash: keys.hashBytes(HASH), timestampMs: 1, expiryMs: 2 ** 40, data: Buffer.from('hi') }),
    hex: `0100${HASH_HEX}000000000001010000000000000000026869`,
  },
  locator: {
    record: encodeLocator({ namespace: -1, sequence: 7, timestampMs: 1, expiryMs: 2, dataBytes: 5_000, apart: true }),
    hex: '01017fff00000000000700000000000100000000000200001388',
  },
  usage: { record: encodeUsage({ messages: 3, dataBytes: 4 }), hex: '0100000003000000000004' },
  totals: {
    record: encodeTotals({ nextSequence: 9, messages: 3, dataBytes: 4 }),
    hex: '01000000000009000000000003000000000004',
  },
  'expiry entry': {
    record: encodeExpiryEntry([{ account: ACCOUNT, hash: keys.hashBytes(HASH) }]),
    hex: `010001${ACCOUNT_HEX}${HASH_HEX}`,
  },
}

describe.each(Object.keys(decoders) as (keyof typeof decoders)[])('a %s', (kind) => {
  const decode = decoders[kind]
  const { record, hex } = samples[kind]

  test('has the bytes that are on disk since version 1', () => {
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
    newer[0] = 2
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
      expect(decodeRow(rowWithExpiry(encoded, expiryMs))).toEqual({ ...expected, expiryMs })
    }),
    { numRuns: 200 },
  )
  const locators = fc.record({
    namespace: namespaces,
    sequence: u48,
    timestampMs: u48,
    expiryMs: u48,
    dataBytes: fc.nat(2 ** 31 - 1),
    apart: fc.boolean(),
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
