import { expect, test } from 'vitest'
import { fromHex, utf8 } from '../../../src/base/bytes.ts'
import { ed25519KeyPairFromSeed, ed25519PublicKey } from '../../../src/crypto/keys.ts'
import { sign } from '../../../src/crypto/signature.ts'
import type { Authentication } from '../../../src/protocol/client-api/authentication.ts'
import { Authenticator } from '../../../src/rpc/authentication.ts'
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
