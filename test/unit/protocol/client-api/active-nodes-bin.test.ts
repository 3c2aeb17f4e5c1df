import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ACTIVE_NODE_SIZE,
  type ActiveNode,
  decodeActiveNodes,
  encodeActiveNodes,
} from '../../../../src/protocol/client-api/active-nodes-bin.ts'
import { ProtocolError } from '../../../../src/protocol/errors.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../../../../src/protocol/service-node.ts'

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => {
  return parseServiceNodeKey(Buffer.from(bytes).toString('hex')) as ServiceNodeKey
})
const port = fc.nat(65_535)
const part = fc.nat(255)
const node: fc.Arbitrary<ActiveNode> = fc.record({
  contact: fc.record({ key, ip: fc.ipV4(), httpsPort: port, peerPort: port, version: fc.tuple(part, part, part) }),
  swarm: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
})

test('active nodes come out as they went in', () => {
  fc.assert(
    fc.property(fc.array(node, { maxLength: 5 }), (nodes) => {
      expect(decodeActiveNodes(encodeActiveNodes(nodes))).toEqual(nodes)
    }),
    { numRuns: 200 },
  )
})

test('a node without an IPv4 address is left out', () => {
  const [one] = fc.sample(node, 1) as [ActiveNode]
  expect(encodeActiveNodes([{ ...one, contact: { ...one.contact, ip: '2001:db8::1' } }])).toHaveLength(0)
})

test('a version part beyond a byte is as new as can be said', () => {
  const [one] = fc.sample(node, 1) as [ActiveNode]
  const encoded = encodeActiveNodes([{ ...one, contact: { ...one.contact, version: [1, 300, 2] } }])
  expect(decodeActiveNodes(encoded)[0]?.contact.version).toEqual([1, 255, 2])
})

test('bytes are whole records, not too many, or refused', () => {
  for (let length = 1; length < ACTIVE_NODE_SIZE; length++) {
    expect(() => decodeActiveNodes(new Uint8Array(length))).toThrow(ProtocolError)
  }
  expect(decodeActiveNodes(new Uint8Array(10_000 * ACTIVE_NODE_SIZE))).toHaveLength(10_000)
  expect(() => decodeActiveNodes(new Uint8Array(10_001 * ACTIVE_NODE_SIZE))).toThrow(ProtocolError)
})

test('any records are read', () => {
  const records = fc.array(fc.uint8Array({ minLength: ACTIVE_NODE_SIZE, maxLength: ACTIVE_NODE_SIZE }), {
    maxLength: 4,
  })
  fc.assert(
    fc.property(records, (list) => {
      const bytes = Buffer.concat(list)
      expect(Buffer.from(encodeActiveNodes(decodeActiveNodes(bytes)))).toEqual(bytes)
    }),
  )
})
