import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Member, parseServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { memberRoot } from '../../../src/staking/member-root.ts'

const key = (digit: string) => {
  const parsed = parseServiceNodeKey(digit.repeat(64))
  if (parsed === undefined) throw new Error('not a key')
  return parsed
}

const first: Member = {
  id: 1n,
  key: key('a'),
  bls: 'b'.repeat(128),
  operator: '0x00000000000000000000000000000000000000aa',
  addedTimestampS: 0x65432101n,
  leaveRequestTimestampS: 0n,
  depositAtomic: 25_000_000_000_000n,
}
const second: Member = {
  ...first,
  id: 0x0102030405060708n,
  key: key('c'),
  bls: 'd'.repeat(128),
  leaveRequestTimestampS: 0x65432199n,
}

// Written out by hand from the definition in docs/staking.md, not by the code under test.
const FIRST = `0000000000000001${'a'.repeat(64)}${'b'.repeat(128)}00000000654321010000000000000000`
const SECOND = `0102030405060708${'c'.repeat(64)}${'d'.repeat(128)}00000000654321010000000065432199`
const sha256 = (hex: string) => createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex')

test('the root is SHA-256 over the members in order of id', () => {
  expect(memberRoot([first])).toBe(sha256(FIRST))
  expect(memberRoot([first, second])).toBe(sha256(FIRST + SECOND))
})

test('the root of no members is the hash of nothing', () => {
  expect(memberRoot([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test('members out of order are a fault of the program', () => {
  expect(() => memberRoot([second, first])).toThrow('ascending')
})
