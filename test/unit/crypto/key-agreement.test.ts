import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../../src/base/bytes.ts'
import { generateX25519KeyPair, x25519PublicKey, x25519SecretKey } from '../../../src/crypto/keys.ts'
import { PLATFORMS } from './platforms.ts'

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8'))
const secret = (hex: string) => x25519SecretKey(fromHex(hex) ?? new Uint8Array())
const point = (hex: string) => x25519PublicKey(fromHex(hex) ?? new Uint8Array())

describe.each(PLATFORMS)('in $platform', ({ primitives: { agreeOnSecret } }) => {
  test('both sides of RFC 7748 6.1 agree on its secret', () => {
    const { aliceSecret, alicePublic, bobSecret, bobPublic, shared } = read('primitives').x25519
    expect(toHex(agreeOnSecret(secret(aliceSecret), point(bobPublic)) ?? new Uint8Array())).toBe(shared)
    expect(toHex(agreeOnSecret(secret(bobSecret), point(alicePublic)) ?? new Uint8Array())).toBe(shared)
  })

  test('both sides of the channel encryption vector agree on its secret', () => {
    const { alice_sec, alice_pub, bob_sec, bob_pub, x25519_shared } = read('encryption').channel_encryption
    expect(toHex(agreeOnSecret(secret(alice_sec), point(bob_pub)) ?? new Uint8Array())).toBe(x25519_shared)
    expect(toHex(agreeOnSecret(secret(bob_sec), point(alice_pub)) ?? new Uint8Array())).toBe(x25519_shared)
  })

  test('nobody agrees with a low-order point, whose secret is zero for everybody', () => {
    const { secretKey } = generateX25519KeyPair()
    const lowOrder = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ]
    for (const hex of lowOrder) expect(agreeOnSecret(secretKey, point(hex))).toBeUndefined()
  })
})
