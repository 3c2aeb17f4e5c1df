import { expect, test } from 'vitest'
import { parseAccountId } from '../../../src/protocol/account.ts'
import { compareHashes, hashMessage, type MessageHash, parseMessageHash } from '../../../src/protocol/message.ts'
import vectors from '../../vectors/message-hash.json' with { type: 'json' }

test.each(vectors.hashes)(
  'the hash of a message in namespace $namespace is $hash',
  ({ pubkey, namespace, ...vector }) => {
    const account = parseAccountId(pubkey)
    if (account === undefined) throw new Error('Not an account id')
    expect(hashMessage(account, namespace, Buffer.from(vector.data_b64, 'base64'))).toBe(vector.hash)
  },
)

test('any 43 base64 digits are a message hash, and nothing else is', () => {
  expect(parseMessageHash('/'.repeat(43))).toBe('/'.repeat(43))
  for (const text of [
    '',
    '/'.repeat(42),
    '/'.repeat(44),
    `${'/'.repeat(42)}=`,
    `${'a'.repeat(42)}-`,
    ` ${'a'.repeat(42)}`,
  ]) {
    expect(parseMessageHash(text)).toBeUndefined()
  }
})

test('hashes sort by ASCII: plus, slash, digits, upper case, lower case', () => {
  const hashes = ['a', 'A', '0', '/', '+', 'z', 'Z'].map((first) => first.repeat(43) as MessageHash)
  expect(hashes.sort(compareHashes).map((hash) => hash[0])).toEqual(['+', '/', '0', 'A', 'Z', 'a', 'z'])
})
