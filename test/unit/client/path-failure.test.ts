import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classifyPathFailure } from '../../../src/client/path-failure.ts'
import type { Path } from '../../../src/client/path-pool.ts'
import type { ReachableNode } from '../../../src/client/reachable-node.ts'
import type { X25519PublicKey } from '../../../src/crypto/keys.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'

const keyOf = (n: number) => n.toString(16).padStart(64, 'a') as ServiceNodeKey
const nodeOf = (n: number): ReachableNode => ({
  key: keyOf(n),
  x25519: new Uint8Array(32) as X25519PublicKey,
  ip: `10.0.${n}.1`,
  httpsPort: 22021,
})

const hops = [nodeOf(1), nodeOf(2), nodeOf(3)] as const
const path: Path = { guard: hops[0], hops }
const destination = nodeOf(4)

const classify = (status: number, text: string) => classifyPathFailure(status, text, path, destination)

test.each([
  [502, `Next node not found: ${keyOf(2)}`, { kind: 'hop-gone', key: keyOf(2) }],
  [502, `Next node not found: ${keyOf(3).toUpperCase()}`, { kind: 'hop-gone', key: keyOf(3) }],
  [502, `Next node is currently unreachable: ${keyOf(3)}`, { kind: 'hop-gone', key: keyOf(3) }],
  [502, `Next node is currently unreachable: ${keyOf(4)}`, { kind: 'destination-gone', key: keyOf(4) }],
  [502, `Next node not found: ${keyOf(1)}`, { kind: 'unattributed' }],
  [502, `Next node not found: ${keyOf(9)}`, { kind: 'unattributed' }],
  [502, 'Next node not found: ', { kind: 'unattributed' }],
  [500, `Next node not found: ${keyOf(2)}`, { kind: 'unattributed' }],
  [503, `Snode not ready: ${keyOf(1)}`, { kind: 'guard-failed' }],
  [503, `Snode not ready: ${keyOf(2)}`, { kind: 'hop-gone', key: keyOf(2) }],
  [503, `Snode not ready: ${keyOf(4)}`, { kind: 'destination-gone', key: keyOf(4) }],
  [503, `Snode not ready: ${keyOf(9)}`, { kind: 'unattributed' }],
  [503, 'Service node is not ready: shutting down\n', { kind: 'unattributed' }],
  [503, 'Server busy, try again later', { kind: 'unattributed' }],
  [429, 'Too Many Requests\n', { kind: 'guard-failed' }],
  [413, 'Request body too large', { kind: 'guard-failed' }],
  [504, 'Request time out', { kind: 'unattributed' }],
  [500, 'Invalid response from snode', { kind: 'unattributed' }],
  [400, 'Invalid ciphertext', { kind: 'unattributed' }],
])('%i "%s"', (status, text, failure) => {
  expect(classify(status, text)).toEqual(failure)
})

test('nobody can have a node dropped that is not of the path, whatever they write', () => {
  const words = fc.constantFrom(
    'Next node not found: ',
    'Snode not ready: ',
    keyOf(1),
    keyOf(2),
    keyOf(9),
    ' ',
    '\n',
    'x',
  )
  const texts = fc.array(words, { maxLength: 5 }).map((parts) => parts.join(''))
  const known = [...hops, destination].map(({ key }) => key)
  fc.assert(
    fc.property(fc.constantFrom(400, 502, 503), texts, (status, text) => {
      const failure = classify(status, text)
      if ('key' in failure) expect(known).toContain(failure.key)
    }),
  )
})
