import { expect, test } from 'vitest'
import { CodedError } from '../../../src/base/coded-error.ts'
import { accountBytes, revocationsKey } from '../../../src/storage/keys.ts'
import { ALICE, aMessage, BOB, changeDatabase, openTestStore } from './store-fixture.ts'

const token = (number: number) => Buffer.alloc(36, number)
const tokens = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => token(from + at))

test('what is revoked stays so over restarts, for its account only and with or without messages', async () => {
  await using fixture = await openTestStore()
  expect(await fixture.store.revocations.revoke(ALICE, [token(1), token(2)])).toBe('revoked')
  const message = aMessage()
  await fixture.store.store(message)
  await fixture.store.deleteAll(ALICE, 'all')
  await fixture.reopen()
  const { revocations } = fixture.store
  expect(revocations.revoked(ALICE)).toEqual([token(1), token(2)])
  expect(revocations.revoked(BOB)).toEqual([])
  expect([1, 2, 3].map((each) => revocations.isRevoked(ALICE, token(each)))).toEqual([true, true, false])
  expect(revocations.isRevoked(BOB, token(1))).toBe(false)
})

test('the newest fifty are kept, and what is revoked again is the newest', async () => {
  await using fixture = await openTestStore()
  const { revocations } = fixture.store
  await revocations.revoke(ALICE, tokens(1, 50))
  await revocations.revoke(ALICE, [token(1), token(1)])
  expect(revocations.revoked(ALICE)).toEqual([...tokens(2, 50), token(1)])
  await revocations.revoke(ALICE, [token(51)])
  expect(revocations.revoked(ALICE)).toEqual([...tokens(3, 50), token(1), token(51)])
  await revocations.revoke(ALICE, tokens(101, 160))
  expect(revocations.revoked(ALICE)).toEqual(tokens(111, 160))
})

test('unrevoking says how many were revoked, and does nothing twice', async () => {
  await using fixture = await openTestStore()
  const { revocations } = fixture.store
  await revocations.revoke(ALICE, tokens(1, 3))
  expect(await revocations.unrevoke(ALICE, [token(2), token(9), token(2)])).toBe(1)
  expect(revocations.revoked(ALICE)).toEqual([token(1), token(3)])
  expect(await revocations.unrevoke(ALICE, [token(2)])).toBe(0)
  expect(await revocations.unrevoke(BOB, [token(1)])).toBe(0)
  expect(await revocations.unrevoke(ALICE, tokens(1, 3))).toBe(2)
  expect(revocations.revoked(ALICE)).toEqual([])
})

test('changes at the same moment see each other', async () => {
  await using fixture = await openTestStore()
  const { revocations } = fixture.store
  const results = await Promise.all([
    revocations.revoke(ALICE, [token(1)]),
    revocations.revoke(ALICE, [token(2)]),
    revocations.unrevoke(ALICE, [token(1)]),
    revocations.revoke(ALICE, []),
  ])
  expect(results).toEqual(['revoked', 'revoked', 1, 'revoked'])
  expect(revocations.revoked(ALICE)).toEqual([token(2)])
})

test('more accounts than may have revocations are refused, also after a restart, until one has none again', async () => {
  await using fixture = await openTestStore({ revocationListsMax: 1 })
  await fixture.store.revocations.revoke(ALICE, [token(1)])
  await fixture.reopen()
  const { revocations } = fixture.store
  expect(await revocations.revoke(BOB, [token(1)])).toBe('full')
  expect(revocations.revoked(BOB)).toEqual([])
  expect(await revocations.revoke(ALICE, [token(2)])).toBe('revoked')
  await revocations.unrevoke(ALICE, tokens(1, 2))
  expect(await revocations.revoke(BOB, [token(1)])).toBe('revoked')
})

test('a full disk takes no new lists', async () => {
  await using fixture = await openTestStore({}, { freeDiskBytes: async () => 0 })
  expect(await fixture.store.revocations.revoke(ALICE, [token(1)])).toBe('full')
})

test('a list that cannot be read is no permission', async () => {
  await using fixture = await openTestStore()
  await changeDatabase(fixture, (database) => database.put(revocationsKey(accountBytes(ALICE)), Buffer.from([1, 2, 3])))
  const { revocations } = fixture.store
  expect(() => revocations.isRevoked(ALICE, token(1))).toThrow(CodedError)
  await expect(revocations.revoke(ALICE, [token(1)])).rejects.toMatchObject({ code: 'RECORD_CORRUPT' })
  await fixture.store[Symbol.asyncDispose]()
  expect(() => revocations.isRevoked(ALICE, token(1))).toThrow('The message store is closed')
  await expect(revocations.unrevoke(ALICE, [token(1)])).rejects.toMatchObject({ code: 'CLOSED' })
})
