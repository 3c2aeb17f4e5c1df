import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../../../src/base/bytes.ts'
import { ProtocolError } from '../../../../src/protocol/errors.ts'
import type { NetworkId } from '../../../../src/protocol/network-id.ts'
import {
  decodeNodeRecord,
  encodeNodeRecord,
  NODE_RECORD_MAX_BYTES,
  type NodeRecord,
} from '../../../../src/protocol/peer-api/node-record.ts'

interface Bytes {
  name: string
  hex: string
}
interface Vector extends Bytes {
  record: Omit<NodeRecord, 'contractId' | 'network'> & { contractId: string; network: string }
}
const { vectors, skipped, refused } = JSON.parse(readFileSync('test/vectors/node-record.json', 'utf8')) as {
  vectors: Vector[]
  skipped: Vector[]
  refused: Bytes[]
}
const recordOf = ({ record }: Vector): NodeRecord => ({
  ...record,
  network: record.network as NetworkId,
  contractId: BigInt(record.contractId),
})

const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(toHex)
const port = fc.integer({ min: 1, max: 65_535 })
const anyFacts: fc.Arbitrary<NodeRecord> = fc.record({
  network: hex(32).map((text) => text as NetworkId),
  contractId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bls: hex(64),
  ip: fc.oneof(
    fc.ipV4(),
    fc.ipV6().map((ip) => new URL(`http://[${ip}]`).hostname.slice(1, -1)),
  ),
  httpsPort: port,
  peerPort: port,
  version: fc.tuple(fc.nat(65_535), fc.nat(65_535), fc.nat(65_535)),
  timestampMs: fc.maxSafeNat(),
  epoch: fc.record({ index: fc.maxSafeNat(), blockHash: hex(32).map((text) => `0x${text}`), root: hex(32) }),
})
const anyRewards = fc.record({ index: fc.maxSafeNat(), root: hex(32) })
const anyRecord = fc.oneof(
  anyFacts,
  fc.tuple(anyFacts, anyRewards).map(([facts, rewards]): NodeRecord => ({ ...facts, rewards })),
)
/** Where the extensions of a record begin; its end when there are none. */
const factsEnd = ({ record, hex: text }: Vector) => text.length / 2 - (record.rewards === undefined ? 0 : 42)

describe.each(vectors)('the vector $name', (vector) => {
  const bytes = fromHex(vector.hex) ?? new Uint8Array()

  test('is decoded and encoded', () => {
    expect(decodeNodeRecord(bytes)).toEqual(recordOf(vector))
    expect(toHex(encodeNodeRecord(recordOf(vector)))).toBe(vector.hex)
  })

  test('is refused when cut at any length, and with a byte more', () => {
    for (let size = 0; size < bytes.length; size++) {
      if (size === factsEnd(vector)) continue
      expect(() => decodeNodeRecord(bytes.subarray(0, size))).toThrow(
        expect.objectContaining({ code: 'FRAME_TRUNCATED' }),
      )
    }
    expect(() => decodeNodeRecord(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(ProtocolError)
  })
})

test.each(skipped)('with $name, the rest of a record is read', (vector) => {
  expect(decodeNodeRecord(fromHex(vector.hex) ?? new Uint8Array())).toEqual(recordOf(vector))
})

test.each(refused)('$name: the record is refused', ({ hex: text }) => {
  expect(() => decodeNodeRecord(fromHex(text) ?? new Uint8Array())).toThrow(ProtocolError)
})

test('every record comes back as it was', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const bytes = encodeNodeRecord(record)
      expect(bytes.length).toBeLessThanOrEqual(NODE_RECORD_MAX_BYTES)
      expect(decodeNodeRecord(bytes)).toEqual(record)
    }),
    { numRuns: 500 },
  )
})

test('random and changed bytes give a record or a ProtocolError, nothing else', () => {
  const decodeOrRefuse = (bytes: Uint8Array) => {
    try {
      decodeNodeRecord(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError)
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), decodeOrRefuse), { numRuns: 2000 })
  fc.assert(
    fc.property(anyRecord, fc.nat(), fc.nat(255), (record, at, value) => {
      const bytes = Uint8Array.from(encodeNodeRecord(record))
      bytes[at % bytes.length] = value
      decodeOrRefuse(bytes)
    }),
    { numRuns: 2000 },
  )
})

test('a record of another version, family or with port 0 is refused', () => {
  const [vector] = vectors
  if (vector === undefined) throw new Error('There is a vector')
  for (const [at, value] of [
    [0, 3],
    [105, 5],
  ] as const) {
    const bytes = Uint8Array.from(fromHex(vector.hex) ?? [])
    bytes[at] = value
    expect(() => decodeNodeRecord(bytes)).toThrow(expect.objectContaining({ code: 'FRAME_MALFORMED' }))
  }
  expect(() => decodeNodeRecord(encodeNodeRecord({ ...recordOf(vector), peerPort: 0 }))).toThrow(ProtocolError)
})

test('what is no address cannot be encoded', () => {
  const [vector] = vectors
  if (vector === undefined) throw new Error('There is a vector')
  for (const ip of ['', 'localhost', '1.2.3', 'fe80::1%eth0', '1.2.3.4.5']) {
    expect(() => encodeNodeRecord({ ...recordOf(vector), ip })).toThrow(ProtocolError)
  }
})
