// What libsodium and Node refuse, the browser's primitives must refuse, too, and nothing more: otherwise one client would show a
// message that another one does not, or take a key that others see through.
import { createHash } from 'node:crypto'
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, toHex, utf8 } from '../../../src/base/bytes.ts'
import {
  ed25519PublicKey,
  x25519KeyPairFromSecretKey,
  x25519PublicKey,
  x25519SecretKey,
} from '../../../src/crypto/keys.ts'
import { BROWSER, NODE } from './platforms.ts'

const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const FIELD_ORDER = 2n ** 255n - 19n
const { Point } = ed25519
const torsion = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex))

const hexOr = (bytes: Uint8Array | undefined) => (bytes === undefined ? 'refused' : toHex(bytes))
const littleEndian = (value: bigint) =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse())
const integerOf = (bytes: Uint8Array) => BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`)

/** Every way to write a y coordinate that is not reduced, or that is near the ends, with either sign. */
const edgeEncodings = [...Array(40).keys()].flatMap((offset) =>
  [BigInt(offset), FIELD_ORDER - 20n + BigInt(offset)]
    .filter((value) => value < 2n ** 255n)
    .flatMap((value) => [littleEndian(value), littleEndian(value + 2n ** 255n)]),
)

test('keys, hashes and codes are the same bytes', () => {
  fc.assert(
    fc.property(key32, fc.uint8Array({ maxLength: 300 }), (seed, message) => {
      const [ours, theirs] = [NODE, BROWSER].map((platform) => {
        const { publicKey, secretKey } = platform.ed25519KeysOfSeed(seed)
        return [
          publicKey,
          secretKey,
          platform.x25519ImageOf(publicKey),
          platform.x25519SecretKeyOf(secretKey),
          platform.x25519PublicKeyOf(seed),
          platform.blake2b256(seed, message),
          platform.sha256(message, seed),
          platform.hmacSha256(seed)(message),
          platform.hmacSha256(message)(seed),
        ].map(hexOr)
      })
      expect(theirs).toEqual(ours)
    }),
    { numRuns: 60 },
  )
})

test('either opens what the other sealed, and signs what the other verifies', () => {
  fc.assert(
    fc.property(key32, fc.uint8Array({ maxLength: 300 }), (secret, message) => {
      const owner = x25519KeyPairFromSecretKey(x25519SecretKey(secret))
      for (const [one, other] of [
        [NODE, BROWSER],
        [BROWSER, NODE],
      ] as const) {
        expect(hexOr(other.openSealedBox(one.sealToPublicKey(message, owner.publicKey), owner))).toBe(toHex(message))
        expect(hexOr(other.aes256Gcm(secret).open(one.aes256Gcm(secret).seal(message)))).toBe(toHex(message))
        expect(hexOr(other.xchacha20Poly1305(secret).open(one.xchacha20Poly1305(secret).seal(message)))).toBe(
          toHex(message),
        )
        const { publicKey, secretKey } = one.ed25519KeysOfSeed(secret)
        const signature = one.sign(message, secretKey as Parameters<typeof one.sign>[1])
        expect(other.verifySignature(signature, message, ed25519PublicKey(publicKey))).toBe(true)
      }
    }),
    { numRuns: 30 },
  )
})

test('random bytes that are to be opened or verified get the same answer', () => {
  fc.assert(
    fc.property(key32, fc.uint8Array({ minLength: 64, maxLength: 120 }), (key, bytes) => {
      const owner = x25519KeyPairFromSecretKey(x25519SecretKey(key))
      for (const platform of [NODE, BROWSER]) {
        expect(platform.aes256Gcm(key).open(bytes)).toBeUndefined()
        expect(platform.xchacha20Poly1305(key).open(bytes)).toBeUndefined()
        expect(platform.openSealedBox(bytes, owner)).toBeUndefined()
        expect(platform.verifySignature(bytes.subarray(0, 64), bytes, ed25519PublicKey(key))).toBe(false)
      }
    }),
    { numRuns: 200 },
  )
})

test('encodings at the edge, and points with a part of small order, have the same image or none', () => {
  const point = Point.BASE.multiply(12345n)
  const mixed = torsion.map((small) => point.add(small).toBytes())
  for (const encoding of [...edgeEncodings, ...mixed, ...torsion.map((small) => small.toBytes())]) {
    expect(`${toHex(encoding)} ${hexOr(BROWSER.x25519ImageOf(encoding))}`).toBe(
      `${toHex(encoding)} ${hexOr(NODE.x25519ImageOf(encoding))}`,
    )
  }
})

test('keys at the edge lead to the same secret or to none', () => {
  const secret = x25519SecretKey(littleEndian(0x1234567890n))
  const images = torsion.map((small) => small.toAffine().y).filter((y) => y !== 1n)
  const u = images.map((y) =>
    littleEndian(((1n + y) * ed25519.Point.Fp.inv(ed25519.Point.Fp.create(1n - y))) % FIELD_ORDER),
  )
  for (const encoding of [...edgeEncodings, ...u]) {
    expect(hexOr(BROWSER.agreeOnSecret(secret, x25519PublicKey(encoding)))).toBe(
      hexOr(NODE.agreeOnSecret(secret, x25519PublicKey(encoding))),
    )
  }
})

test('nothing can be sealed to a low-order key, and nothing is opened that names one', () => {
  const lowOrder = x25519PublicKey(new Uint8Array(32))
  const owner = x25519KeyPairFromSecretKey(x25519SecretKey(littleEndian(77n)))
  for (const platform of [NODE, BROWSER]) {
    expect(() => platform.sealToPublicKey(utf8('secret'), lowOrder)).toThrow()
    expect(platform.openSealedBox(new Uint8Array(80), owner)).toBeUndefined()
  }
})

/** A signature made from its parts: R and A may be any points, and S need not be reduced. */
function forge(options: { r?: Uint8Array; smallR?: number; smallA?: number; addOrder?: boolean; a?: Uint8Array }) {
  const message = utf8('a message')
  const { scalar } = ed25519.utils.getExtendedPublicKey(new Uint8Array(32).fill(5))
  const nonce = 987654321n
  const small = (index = 0) => torsion[index] ?? Point.ZERO
  const a = options.a ?? Point.BASE.multiply(scalar).add(small(options.smallA)).toBytes()
  const r = options.r ?? Point.BASE.multiply(nonce).add(small(options.smallR)).toBytes()
  const k = Point.Fn.create(integerOf(sha512(concat(r, a, message))))
  const s = Point.Fn.create(nonce + k * scalar) + (options.addOrder === true ? Point.Fn.ORDER : 0n)
  return { signature: concat(r, littleEndian(s)), message, publicKey: ed25519PublicKey(a) }
}

const sha512 = (bytes: Uint8Array) => createHash('sha512').update(bytes).digest()

const indices = [...torsion.keys()]

/** Whether each signature is good in Node, and in a browser. */
function verdicts(forgeries: readonly ReturnType<typeof forge>[]): readonly [boolean, boolean][] {
  return forgeries.map(({ signature, message, publicKey }) => [
    NODE.verifySignature(signature, message, publicKey),
    BROWSER.verifySignature(signature, message, publicKey),
  ])
}

test('signatures at the edge, with points of small order and unreduced scalars get the same answer', () => {
  const forgeries = [
    forge({}),
    forge({ addOrder: true }),
    ...indices.map((smallR) => forge({ smallR })),
    ...torsion.map((point) => forge({ r: point.toBytes() })),
    ...torsion.map((point) => forge({ a: point.toBytes() })),
    ...edgeEncodings.map((r) => forge({ r })),
    ...edgeEncodings.map((a) => forge({ a })),
  ]
  const [good, ...others] = verdicts(forgeries)
  expect(good).toEqual([true, true])
  expect(others[0]).toEqual([false, false])
  expect(others.filter(([node, browser]) => node !== browser)).toEqual([])
})

test('of keys with a part of small order, browsers take no signature, and so none that Node refuses', () => {
  const mixed = indices.filter((index) => !torsion[index]?.is0())
  const forgeries = mixed.flatMap((smallA) => indices.map((smallR) => forge({ smallA, smallR })))
  expect(verdicts(forgeries).filter(([, browser]) => browser)).toEqual([])
})
