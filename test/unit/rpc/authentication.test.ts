import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { fromHex, utf8 } from '../../../src/base/bytes.ts'
import { ed25519KeyPairFromSeed, ed25519PublicKey } from '../../../src/crypto/keys.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { parseAccountId } from '../../../src/protocol/account.ts'
import type { Authentication } from '../../../src/protocol/client-api/authentication.ts'
import { subaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import { Authenticator, type SignedRequest } from '../../../src/rpc/authentication.ts'
import type { Revocations } from '../../../src/rpc/revocations.ts'
import { X25519Images } from '../../../src/rpc/x25519-images.ts'
import { anAccount } from './rpc-fixture.ts'

const text = utf8('retrieve1700000000000')
const revocations: Pick<Revocations, 'isRevoked'> = { isRevoked: () => false }
const accepts = (
  authenticator: Authenticator,
  account: ReturnType<typeof anAccount>,
  changes: Partial<Authentication> = {},
) => {
  const authentication = { signature: sign(text, account.pair.secretKey), ed25519: account.pair.publicKey, ...changes }
  try {
    authenticator.require({ account: account.id, authentication, signedText: text, access: 1, refusal: 'no' })
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'SIGNATURE_REFUSED', message: 'no' })
    return false
  }
}

test('whatever is remembered or forgotten of conversions, the answer stays the same', () => {
  const authenticator = new Authenticator({ images: new X25519Images(2), revocations })
  const accounts = [1, 2, 3, 4].map(anAccount)
  const other = ed25519KeyPairFromSeed(Buffer.alloc(32, 9))
  for (let round = 0; round < 3; round++) {
    for (const account of accounts) {
      expect(accepts(authenticator, account)).toBe(true)
      expect(accepts(authenticator, account, { ed25519: other.publicKey })).toBe(false)
      expect(accepts(authenticator, account, { signature: sign(text, other.secretKey) })).toBe(false)
    }
  }
})

test('a key that is no point of the curve, or of small order, is refused each time', () => {
  const authenticator = new Authenticator({ images: new X25519Images(2), revocations })
  for (const hex of [`02${'00'.repeat(31)}`, `01${'00'.repeat(31)}`, 'ff'.repeat(32), `02${'00'.repeat(31)}`]) {
    const ed25519 = ed25519PublicKey(fromHex(hex) ?? new Uint8Array())
    expect(accepts(authenticator, anAccount(1), { ed25519 })).toBe(false)
  }
})

// With a key of small order anybody can write signatures, so an account of such a key would be everybody's. Verifiers that follow
// ZIP 215 take them, which shows that these signatures are the right ones to try.
describe('a key of small order', () => {
  /** Every encoding of the eight points whose order divides eight, those that are not canonical too (the sign bit aside). */
  const points = [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
  ].flatMap((hex) => {
    const point = Buffer.from(hex, 'hex')
    const negative = Buffer.from(point)
    negative[31] = (negative[31] ?? 0) | 0x80
    return [point, negative]
  })
  const texts = [text, utf8('another'), utf8('and another')]
  /** R and S for which S * B = R + h * A may hold whatever the text is: S is zero, and R one of the points. */
  const signatures = points.map((point) => Buffer.concat([point, Buffer.alloc(32)]))
  const authenticator = new Authenticator({ images: new X25519Images(100), revocations })
  const isAccepted = (request: Omit<SignedRequest, 'access' | 'refusal'>) => {
    try {
      authenticator.require({ ...request, access: 0, refusal: 'no' })
      return true
    } catch {
      return false
    }
  }

  test('is taken by verifiers that allow it', () => {
    const isTaken = (point: Buffer, signature: Buffer) => ed25519.verify(signature, text, point, { zip215: true })
    const taken = points.filter((point) => signatures.some((signature) => isTaken(point, signature)))
    expect(taken.length).toBeGreaterThan(4)
  })

  test.each(points.map((point) => [point.toString('hex'), point] as const))("%s is nobody's", (hex, point) => {
    const key = ed25519PublicKey(point)
    const group = parseAccountId(`03${hex}`)
    const session = parseAccountId(`05${hex}`)
    if (group === undefined || session === undefined) throw new Error('Not an account')
    const owner = anAccount(1)
    const token = subaccountToken(3, 7, key)
    const granted = sign(token, owner.pair.secretKey)
    for (const signedText of texts) {
      for (const signature of signatures) {
        const taken = [
          // As the account itself, as the key that is said to be the account's, and both.
          isAccepted({ account: group, authentication: { signature }, signedText }),
          isAccepted({ account: session, authentication: { signature }, signedText }),
          isAccepted({ account: session, authentication: { signature, ed25519: key }, signedText }),
          isAccepted({ account: owner.id, authentication: { signature, ed25519: key }, signedText }),
          // As the key of a subaccount that the owner granted, and as the owner that grants one.
          isAccepted({
            account: owner.groupId,
            authentication: { signature, subaccount: { token, signature: granted } },
            signedText,
          }),
          isAccepted({
            account: group,
            authentication: {
              signature: sign(signedText, owner.pair.secretKey),
              subaccount: { token: subaccountToken(3, 7, owner.pair.publicKey), signature },
            },
            signedText,
          }),
        ]
        expect(taken).toEqual(taken.map(() => false))
      }
    }
  })
})
