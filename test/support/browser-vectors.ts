// Runs in the browser, bundled like the SDK: what its primitives make of vectors, and of what Node sealed.
import { fromHex, fromUtf8, toHex, utf8 } from '../../src/base/bytes.ts'
import { accountFromSeed } from '../../src/client/account.ts'
import { openEnvelope, sealEnvelope } from '../../src/client/envelope.ts'
import { aes256Gcm, xchacha20Poly1305 } from '../../src/crypto/aead.ts'
import { blake2b256, sha256 } from '../../src/crypto/hash.ts'
import { agreeOnSecret } from '../../src/crypto/key-agreement.ts'
import { ed25519KeyPairFromSeed, x25519PublicKey, x25519SecretKey } from '../../src/crypto/keys.ts'
import { hmacSha256 } from '../../src/crypto/mac.ts'
import { sign, verifySignature } from '../../src/crypto/signature.ts'

/** test/vectors/primitives.json, as far as it is used. */
export interface Primitives {
  readonly ed25519: readonly { seed: string; publicKey: string; message: string; signature: string }[]
  readonly x25519: { aliceSecret: string; bobPublic: string; shared: string }
  readonly aes256Gcm: { key: string; nonce: string; plaintext: string; ciphertext: string; tag: string }
  readonly blake2b256: { message: string; digest: string }
  readonly sha256: { message: string; digest: string }
  readonly hmacSha256: { key: string; message: string; code: string }
}

/** All in hex. */
export interface SealedByNode {
  readonly accountSeed: string
  /** An envelope to this account. */
  readonly envelope: string
  readonly key: string
  readonly gcm: string
  readonly xchacha: string
}

const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array()
const hexOr = (result: Uint8Array | undefined) => (result === undefined ? 'refused' : toHex(result))

/** For each vector, whether it comes out as it should. */
export function checkPrimitives(vectors: Primitives): Record<string, boolean> {
  const { x25519, aes256Gcm: gcm } = vectors
  const secret = agreeOnSecret(x25519SecretKey(bytes(x25519.aliceSecret)), x25519PublicKey(bytes(x25519.bobPublic)))
  const sealed = aes256Gcm(bytes(gcm.key)).seal(bytes(gcm.plaintext), bytes(gcm.nonce))
  const code = hmacSha256(bytes(vectors.hmacSha256.key))(bytes(vectors.hmacSha256.message))
  return {
    x25519: hexOr(secret) === x25519.shared,
    aes256Gcm: toHex(sealed) === gcm.nonce + gcm.ciphertext + gcm.tag,
    blake2b256: toHex(blake2b256(bytes(vectors.blake2b256.message))) === vectors.blake2b256.digest,
    sha256: toHex(sha256(bytes(vectors.sha256.message))) === vectors.sha256.digest,
    hmacSha256: toHex(code) === vectors.hmacSha256.code,
    ed25519: vectors.ed25519.every(({ seed, publicKey, message, signature }) => {
      const pair = ed25519KeyPairFromSeed(bytes(seed))
      const made = sign(bytes(message), pair.secretKey)
      const holds = verifySignature(made, bytes(message), pair.publicKey)
      return toHex(pair.publicKey) === publicKey && toHex(made) === signature && holds
    }),
  }
}

/** What was inside, and an answer that Node can open. */
export function openWhatNodeSealed({ accountSeed, envelope, key, gcm, xchacha }: SealedByNode) {
  const account = accountFromSeed(accountSeed)
  const { text, sender } = openEnvelope(bytes(envelope), account)
  return {
    text,
    sender,
    gcm: fromUtf8(aes256Gcm(bytes(key)).open(bytes(gcm)) ?? utf8('refused')),
    xchacha: fromUtf8(xchacha20Poly1305(bytes(key)).open(bytes(xchacha)) ?? utf8('refused')),
    answer: toHex(sealEnvelope({ text: `You wrote: ${text}`, sentMs: 1 }, account, sender)),
  }
}
