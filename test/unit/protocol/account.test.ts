import { expect, test } from 'vitest'
import {
  accountIdBytes,
  accountIdFromBytes,
  accountKey,
  accountPrefix,
  parseAccountId,
} from '../../../src/protocol/account.ts'

const text = `05${'aB'.repeat(32)}`

test('an account id is 66 hex digits in either case, kept in lower case', () => {
  expect(parseAccountId(text)).toBe(text.toLowerCase())
  for (const wrong of ['', text.slice(2), `${text}00`, `${text.slice(0, 65)}g`, ` ${text.slice(1)}`, `${text}\n`]) {
    expect(parseAccountId(wrong)).toBeUndefined()
  }
})

test('an account id is a prefix and a key', () => {
  const account = parseAccountId(`ff${'01'.repeat(32)}`)
  if (account === undefined) throw new Error('Not an account id')
  expect(accountPrefix(account)).toBe(255)
  expect(accountKey(account)).toEqual(Buffer.alloc(32, 1))
  expect(accountIdFromBytes(accountIdBytes(account))).toBe(account)
})

test('bytes of another length are no account id', () => {
  for (const size of [0, 32, 34]) expect(accountIdFromBytes(new Uint8Array(size))).toBeUndefined()
})
