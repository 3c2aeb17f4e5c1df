import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../../src/base/bytes.ts'
import { PLATFORMS } from './platforms.ts'

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8'))
const primitives = read('primitives')
const ed25519Vectors: { source: string; seed: string; publicKey: string }[] = primitives.ed25519
const nodes: Record<string, string>[] = read('onion').nodes
const bytes = (hex = '') => fromHex(hex) ?? new Uint8Array()

describe.each(PLATFORMS)('in $platform', ({ primitives: derivation }) => {
  test.each(ed25519Vectors)('a seed gives the keys of $source', ({ seed, publicKey }) => {
    const keys = derivation.ed25519KeysOfSeed(bytes(seed))
    expect(toHex(keys.publicKey)).toBe(publicKey)
    expect(toHex(keys.secretKey)).toBe(seed + publicKey)
  })

  test('an X25519 secret key gives the public key of RFC 7748 6.1', () => {
    const { aliceSecret, alicePublic } = primitives.x25519
    expect(toHex(derivation.x25519PublicKeyOf(bytes(aliceSecret)))).toBe(alicePublic)
  })

  test.each(nodes)('the X25519 keys of $name are the images of its Ed25519 keys', (node) => {
    const { publicKey, secretKey } = derivation.ed25519KeysOfSeed(bytes(node['ed25519_seed']))
    expect(toHex(derivation.x25519ImageOf(publicKey) ?? new Uint8Array())).toBe(node['pubkey_x25519'])
    expect(toHex(derivation.x25519SecretKeyOf(secretKey))).toBe(node['seckey_x25519'])
  })
})
