import { describe, expect, test } from 'vitest'
import { accountFromSeed } from '../../../src/client/account.ts'
import { groupFromSeed, issuePass, memberFromPass, type Right } from '../../../src/client/groups.ts'
import type { SubaccountPass } from '../../../src/client/signer.ts'

const group = groupFromSeed('01'.repeat(32))
const member = accountFromSeed('02'.repeat(32))
const invalid = expect.objectContaining({ code: 'PASS_INVALID' })

test('a group’s id is its Ed25519 key behind 03', () => {
  expect(group.id).toBe('038a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c')
  expect(() => groupFromSeed('01')).toThrow(expect.objectContaining({ code: 'ACCOUNT_INVALID' }))
})

describe('a pass', () => {
  const pass = issuePass(group, member.ed25519.publicKey)

  test('is what clients make of the same keys', () => {
    // Source: client protocol vectors, subaccount seed 02 repeated, read and write.
    expect(pass).toEqual({
      account: group.id,
      ownerKey: group.id.slice(2),
      token: 'AwMAAIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU',
      signature: 'A7lH7RGa1eFtYb1pDds2VSgYCAP638eV9E3oqn+VEXdI5dN9KZEyMnuSsVGrH6DX1ujigViQnxy0BY1WGbqlAA==',
    })
  })

  test.each<[readonly Right[], number]>([
    [['read'], 1],
    [['write', 'delete'], 6],
    [['read', 'write', 'delete', 'any-prefix'], 15],
  ])('that allows %j says so in its flags', (rights, flags) => {
    const { token } = issuePass(group, member.ed25519.publicKey, rights)
    expect(Buffer.from(token, 'base64')[1]).toBe(flags)
  })

  test('is used with the key that it was given to', () => {
    expect(memberFromPass(pass, member.ed25519)).toMatchObject({ id: group.id, pass })
    expect(() => memberFromPass(pass, group.ed25519)).toThrow(invalid)
  })

  test('of a Session id is the owner’s whose Ed25519 key has that image', () => {
    const owner = accountFromSeed('03'.repeat(32))
    const given = issuePass(owner, member.ed25519.publicKey)
    expect(memberFromPass(given, member.ed25519)).toMatchObject({ id: owner.id })
    for (const ownerKey of [group.id.slice(2), `02${'00'.repeat(31)}`]) {
      expect(() => memberFromPass({ ...given, ownerKey }, member.ed25519)).toThrow(invalid)
    }
  })

  test('with any prefix is good for other ids of the same key', () => {
    const account = `04${group.id.slice(2)}` as typeof group.id
    const wide = issuePass(group, member.ed25519.publicKey, ['read', 'any-prefix'])
    expect(memberFromPass({ ...wide, account }, member.ed25519)).toMatchObject({ id: account })
    expect(() => memberFromPass({ ...pass, account }, member.ed25519)).toThrow(invalid)
  })

  test.each<Partial<SubaccountPass>>([
    { token: '' },
    { token: `${pass.token}AAAA` },
    { token: pass.token.replace('AwMA', 'AwcA') },
    { signature: '' },
    { signature: issuePass(member, member.ed25519.publicKey).signature },
    { account: member.id },
    { ownerKey: 'ab' },
    { ownerKey: member.id.slice(2) },
  ])('with %j instead is refused', (change) => {
    expect(() => memberFromPass({ ...pass, ...change }, member.ed25519)).toThrow(invalid)
  })
})
