import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAccountId } from '../../../src/protocol/account.ts'
import { swarmSpaceOf } from '../../../src/protocol/swarm-space.ts'
import vectors from '../../vectors/swarm-space.json' with { type: 'json' }

function spaceOf(text: string): bigint {
  const account = parseAccountId(text)
  if (account === undefined) throw new Error(`Not an account id: ${text}`)
  return swarmSpaceOf(account)
}

test.for(vectors.vectors)('$account lies at $space', ({ account, space }) => {
  expect(spaceOf(account)).toBe(BigInt(space))
})

test('the network prefix does not move an account', () => {
  const key = '53'.repeat(31)
  expect(spaceOf(`03${key}7f`)).toBe(spaceOf(`05${key}7f`))
})

test('an account lies at the XOR of its four words', () => {
  const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
  fc.assert(
    fc.property(fc.tuple(word, word, word, word), (words) => {
      const text = words.map((value) => value.toString(16).padStart(16, '0')).join('')
      expect(spaceOf(`05${text}`)).toBe(words.reduce((a, b) => a ^ b))
    }),
  )
})
